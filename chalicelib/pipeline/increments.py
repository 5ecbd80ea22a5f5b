"""Increments that are too small to be imported go in as events.

An import job takes at least 1,000 interactions. PutEvents takes any number, ten of one user a call, and
counts an event id once: a task that is entered again sends all again, which harms nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from chalicelib import layout
from chalicelib.documents import DataReport
from chalicelib.normalise.export.minimums import MIN_INTERACTIONS
from chalicelib.runs import Run
from chalicelib.streaming.members import Event

EVENTS_PER_CALL = 10
# Interactions without a type have none in their schema; PutEvents wants one all the same.
NO_TYPE = "interaction"
_MEMBERS = {"USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION"}


def is_small(data: DataReport) -> bool:
    """Whether an import job would refuse these interactions for being too few."""
    is_increment = data.mode == "INCREMENTAL" and "interactions" in data.datasets
    return is_increment and data.interactions < MIN_INTERACTIONS


def send_events(run: Run) -> None:
    """The clean interactions of the run, by the group's event tracker."""
    tracker = run.record.event_tracker_id
    if tracker is None:
        raise LookupError(f"Run {run.name} has no event tracker: it is made before any import.")
    for user, events in events_by_user(run).items():
        for start in range(0, len(events), EVENTS_PER_CALL):
            # A user's rows are one session: an export says nothing of sessions.
            some = events[start : start + EVENTS_PER_CALL]
            wire = [event.to_wire(run.context.now()) for event in some]
            run.personalize.put_events(tracker, user, wire)


def events_by_user(run: Run) -> dict[str, list[Event]]:
    """The clean interactions of the run as events, in the order of the files."""
    types = _types(run.data.schemas["interactions"])
    found: dict[str, list[Event]] = defaultdict(list)
    for key in run.work.keys(layout.clean(run.group, "interactions", run.name)):
        for row in csv.DictReader(io.StringIO(run.work.read(key).decode(), newline="")):
            found[row["USER_ID"]].append(_event(row, types))
    return found


def _event(row: Mapping[str, str], types: Mapping[str, str]) -> Event:
    value, impression = row.get("EVENT_VALUE"), row.get("IMPRESSION")
    properties = {
        _camel(name): _typed(text, types.get(name, "string"))
        for name, text in row.items()
        if name not in _MEMBERS and text
    }
    return Event(
        event_type=row.get("EVENT_TYPE") or NO_TYPE,
        session_id=row["USER_ID"],
        user_id=row["USER_ID"],
        item_id=row["ITEM_ID"],
        sent_at=float(row["TIMESTAMP"]),
        event_value=float(value) if value else None,
        properties=json.dumps(properties) if properties else None,
        impression=tuple(impression.split("|")) if impression else (),
    )


def _types(schema: str) -> dict[str, str]:
    """The Avro type of each column, without "null"."""
    return {field["name"]: _type(field["type"]) for field in json.loads(schema)["fields"]}


def _type(given: str | Iterable[str]) -> str:
    return given if isinstance(given, str) else next(one for one in given if one != "null")


def _typed(text: str, avro: str) -> str | float | int | bool:
    if avro in ("int", "long"):
        return int(text)
    if avro in ("float", "double"):
        return float(text)
    return text == "true" if avro == "boolean" else text


def _camel(name: str) -> str:
    """`DEVICE_TYPE` as PutEvents calls it: `deviceType`."""
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)
