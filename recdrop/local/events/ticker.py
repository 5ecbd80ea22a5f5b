"""Fires the schedule rules of EventBridge."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from recdrop.local.aws.identity import ACCOUNT, REGION
from recdrop.local.events.schedule import Schedule, ScheduleError, parse

LOG = logging.getLogger(__name__)
IDLE_SECONDS = 1.0


class Ticker:
    """Fires the enabled schedule rules of EventBridge at their times.

    Real time: schedules are never scaled.
    """

    def __init__(
        self,
        rules: Callable[[], Iterable[Any]],
        fire: Callable[[Any, dict[str, Any]], None],
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._rules = rules
        self._fire = fire
        self._now = now
        self._due: dict[str, tuple[str, dt.datetime]] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tick every second."""
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop ticking."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.wait(IDLE_SECONDS):
            self.tick()

    def tick(self) -> None:
        """Fire what is due now; a rule seen for the first time fires at its next time."""
        now = self._now()
        for rule in self._rules():
            if not rule.scheduled_expression or rule.state != "ENABLED":
                continue
            expression, due = self._due.get(rule.arn, ("", now))
            # A rule whose expression was changed is planned anew, as one that was just made.
            if expression != rule.scheduled_expression:
                self._plan(rule, now)
            elif due <= now:
                self._fire(rule, scheduled_event(rule, now))
                self._plan(rule, now)

    def _plan(self, rule: Any, now: dt.datetime) -> None:
        schedule = self._parse(rule)
        # One that cannot be read is told of once, not every second.
        due = schedule.after(now) if schedule else dt.datetime.max.replace(tzinfo=dt.UTC)
        self._due[rule.arn] = (rule.scheduled_expression, due)

    def _parse(self, rule: Any) -> Schedule | None:
        try:
            return parse(rule.scheduled_expression)
        except ScheduleError as error:
            LOG.error("Rule %s never fires: %s", rule.name, error)  # noqa: TRY400
            return None


def scheduled_event(rule: Any, now: dt.datetime) -> dict[str, Any]:
    """What a schedule sends to its targets."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [rule.arn],
        "detail": {},
    }
