"""A Snowflake batch through the route, beside a handler that answers row by row.

    python -m benchmarks.snowflake_batch

Both sides ask the same back-end: 30 ms a call, as many at once as asked; in the second part also
500 calls a second at most. Target: 20 times the row-by-row handler; at least 95 % of the back-end's
rate limit.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.api.routes import Api
from chalicelib.context import Context
from chalicelib.settings import Settings
from tests.chalicelib.house import FakeEvents, make_app, proxy_event

LATENCY_SECONDS = 0.03
ROWS = 1_000
LIMIT_PER_SECOND = 500.0
SENDERS = 8
BATCHES_PER_SENDER = 2
ITEMS = [{"itemId": f"item-{number}", "score": 0.5} for number in range(25)]


class Backend:
    """GetRecommendations with a latency, and a limit of calls a second if one is given.

    A tenth of a second's worth may come at once.
    """

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.answered = self.refused = 0
        self._tokens, self._seen_at = (limit or 0) / 10, time.monotonic()
        self._lock = threading.Lock()

    def get_recommendations(self, **_arguments: Any) -> Mapping[str, Any]:
        if not self._take():
            details: Any = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
            raise ClientError(details, "GetRecommendations")
        time.sleep(LATENCY_SECONDS)
        return {"itemList": ITEMS, "recommendationId": "RID"}

    def get_personalized_ranking(self, **_arguments: Any) -> Mapping[str, Any]:
        raise NotImplementedError

    def _take(self) -> bool:
        with self._lock:
            if self.limit is not None:
                now = time.monotonic()
                self._tokens = min(
                    self.limit / 10, self._tokens + (now - self._seen_at) * self.limit
                )
                self._seen_at = now
                if self._tokens < 1:
                    self.refused += 1
                    return False
                self._tokens -= 1
            self.answered += 1
            return True


class OneGroup:
    """A table that serves one group."""

    def get_item(self, **_arguments: Any) -> Mapping[str, Any]:
        return {}

    def query(self, **arguments: Any) -> Mapping[str, Any]:
        if arguments["ExpressionAttributeValues"][":pk"] == "groups":
            return {"Items": [{"sk": "shop"}]}
        record = {
            "group": "shop",
            "solution": "for-you",
            "recipe": "aws-user-personalization-v2",
            "recipe_type": "USER_PERSONALIZATION",
        }
        return {"Items": [{**record, "campaign_arn": "arn", "solution_version_arn": "version"}]}


def make_route(backend: Any) -> Any:
    """The whole Lambda handler. `backend` is Personalize's runtime; no popular list is asked for."""
    clients: Any = SimpleNamespace(
        table=lambda _name: OneGroup(), personalize_runtime=backend, personalize_events=FakeEvents()
    )
    settings = Settings({"TABLE_NAME": "ledger", "WORK_BUCKET": "work"})
    api = Api.over(Context(settings=settings, clients=clients))
    return make_app(lambda: api)


def answer_row_by_row(backend: Backend, body: str) -> str:
    """What most handlers in the field do."""
    rows = json.loads(body)["data"]
    answers = [
        backend.get_recommendations(userId=row[1], numResults=25)["itemList"] for row in rows
    ]
    return json.dumps(
        {"data": [[row[0], answer] for row, answer in zip(rows, answers, strict=True)]}
    )


def make_body(first: int, rows: int) -> str:
    return json.dumps(
        {"data": [[number, f"user-{first + number}", 25, None] for number in range(rows)]}
    )


def time_of(call: Any) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def send(route: Any, body: str) -> int:
    """How often the route answered 429: such a batch comes again after a second, as from Snowflake."""
    refusals = 0
    while True:
        status = route(proxy_event("POST", "/snowflake/recommend", body), None)["statusCode"]
        if status == 200:
            return refusals
        if status != 429:
            sys.exit(f"status {status}")
        refusals += 1
        time.sleep(1)


def compare_latency() -> None:
    route = make_route(Backend())
    body = make_body(0, ROWS)
    ours = time_of(lambda: send(route, body))
    theirs = time_of(lambda: answer_row_by_row(Backend(), make_body(0, ROWS // 10))) * 10
    print(f"{ROWS} rows at {LATENCY_SECONDS * 1000:.0f} ms a call")
    print(f"  row by row      {theirs:8.2f} s   {ROWS / theirs:8.0f} rows/s   (a tenth measured)")
    print(
        f"  recdrop         {ours:8.2f} s   {ROWS / ours:8.0f} rows/s   {theirs / ours:.1f} times"
    )


def compare_rate() -> None:
    backend = Backend(LIMIT_PER_SECOND)
    route = make_route(backend)
    bodies = [make_body(number * ROWS, ROWS) for number in range(SENDERS * BATCHES_PER_SENDER)]
    with ThreadPoolExecutor(SENDERS) as executor:
        began = time.monotonic()
        refusals = sum(executor.map(lambda body: send(route, body), bodies))
        seconds = time.monotonic() - began
    rate = len(bodies) * ROWS / seconds
    print(
        f"{len(bodies)} batches of {ROWS} rows, {SENDERS} at once, back-end of {LIMIT_PER_SECOND:.0f} calls/s"
    )
    print(f"  back-end's limit         {LIMIT_PER_SECOND:8.0f} calls/s")
    print(
        f"  recdrop                  {rate:8.0f} rows/s   {100 * rate / LIMIT_PER_SECOND:.1f} % of the limit"
    )
    print(f"  calls refused            {100 * backend.refused / backend.answered:8.1f} %")
    print(f"  batches answered by 429  {refusals:8d}")


if __name__ == "__main__":
    compare_latency()
    compare_rate()
