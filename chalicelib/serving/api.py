"""The routes: each parses what it needs, asks one part, returns its answer.

`Api.over` is the composition root. It takes factories, so that a cold start makes only the clients
it uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib import events
from chalicelib.serving import segment
from chalicelib.serving.answers import Answer
from chalicelib.serving.cache import Cache
from chalicelib.serving.errors import BadRequest
from chalicelib.serving.health import check_health
from chalicelib.serving.http import Reply
from chalicelib.serving.ids import to_id, type_name
from chalicelib.serving.options import Options, parse_options
from chalicelib.serving.popular import S3, PopularLists
from chalicelib.serving.recommend import (
    Question,
    Recommender,
    for_everyone,
    for_item,
    for_ranking,
    for_user,
)
from chalicelib.serving.records import Catalogue, Table
from chalicelib.serving.request import Call
from chalicelib.serving.runs import describe_run
from chalicelib.serving.runtime import Caller, Deadline, RuntimeClient
from chalicelib.snowflake.functions import PRESETS, Functions
from chalicelib.telemetry import logger

# API Gateway gives up after 29 s.
DEADLINE_SECONDS = 25.0
SNOWFLAKE_BODY_BYTES = 6_000_000
SNOWFLAKE_HEADERS = ("errors", *PRESETS)


@dataclass(frozen=True)
class Api:
    """One method per route. Safe for threads."""

    catalogue: Catalogue
    recommender: Recommender
    recorder: events.Recorder
    functions: Functions
    clock: Callable[[], float]
    seconds: float = DEADLINE_SECONDS

    @classmethod
    def over(
        cls,
        *,
        table: Callable[[], Table],
        s3: Callable[[], S3],
        work_bucket: str,
        runtime: Callable[[], RuntimeClient],
        personalize_events: Callable[[], events.EventsClient],
        clock: Callable[[], float],
        now: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> Api:
        """`clock` is monotonic seconds, `now` epoch seconds, `random` uniform in [0, 1)."""
        catalogue = Catalogue(table, clock)
        caller = Caller(sleep, random)
        cache: Cache[Answer] = Cache(clock)
        recommender = Recommender(
            catalogue, PopularLists(s3, work_bucket), runtime, caller, cache, clock
        )
        functions = Functions.over(recommender, clock, sleep)

        def forget(owner: tuple[str, str]) -> None:
            cache.forget(owner)
            functions.forget(owner)

        recorder = events.Recorder(catalogue, personalize_events, caller, forget, now)
        return cls(catalogue, recommender, recorder, functions, clock)

    def recommendations(self, call: Call, user: str) -> Answer:
        return self._answer(for_user(to_id(user, "user"), parse_options(call.query)))

    def similar(self, call: Call, item: str) -> Answer:
        query = call.query
        user = to_id(query["userId"], "userId") if "userId" in query else None
        return self._answer(
            for_item(to_id(item, "item"), parse_options(query, also=("userId",)), user)
        )

    def rank(self, call: Call) -> Answer:
        body = _object(call.json())
        options = _body_options(call, body, "userId", "items")
        items = body.get("items")
        if not isinstance(items, list):
            raise BadRequest(
                f"items has a value of type {type_name(items)}. Expected an array of item ids."
            )
        ids = [to_id(item, f"items[{number}]") for number, item in enumerate(items)]
        return self._answer(for_ranking(to_id(body.get("userId"), "userId"), ids, options))

    def popular(self, call: Call) -> Answer:
        return self._answer(for_everyone(parse_options(call.query)))

    def events(self, call: Call) -> Reply:
        return self.recorder.record(*events.parse_batch(call.json(), call.query), self._deadline())

    def segment(self, call: Call) -> Reply:
        found, ignored = segment.parse_calls(call.json())
        return self.recorder.record(
            events.parse_query(call.query), events.Batch(found), self._deadline(), ignored=ignored
        )

    def snowflake(self, call: Call, function: str) -> object:
        if call.method == "GET":
            return self.functions.poll(function, call.header("sf-external-function-query-batch-id"))
        presets = {
            name: value
            for name in SNOWFLAKE_HEADERS
            if (value := call.header(f"sf-custom-{name}")) is not None
        }
        return self.functions.run(
            function, call.body(SNOWFLAKE_BODY_BYTES), presets, self._deadline()
        )

    def run(self, _call: Call, run: str) -> dict[str, Any]:
        return describe_run(self.catalogue, run)

    def health(self, _call: Call) -> Reply:
        return check_health(self.catalogue)

    def _answer(self, question: Question) -> Answer:
        answer = self.recommender.answer(question, self._deadline())
        if answer.source == "fallback":
            logger.info(
                "fallback",
                extra={"group": answer.group, "kind": question.kind, "reason": answer.reason},
            )
        return answer

    def _deadline(self) -> Deadline:
        return Deadline.after(self.seconds, self.clock)


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest(f"The body is of type {type_name(body)}. Expected a JSON object.")
    return body


def _body_options(call: Call, body: dict[str, Any], *own: str) -> Options:
    """Options from the body, with the query string's beside them (group and solution often stand
    there).
    """
    return parse_options({**call.query, **body}, also=own, sized=False)
