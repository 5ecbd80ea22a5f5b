"""The routes: each parses what it needs, asks one part, returns its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.api.health import check_health, describe_status
from chalicelib.api.reply import Reply
from chalicelib.api.request import Call
from chalicelib.api.runs import describe_run
from chalicelib.context import Context
from chalicelib.ledger import Ledger
from chalicelib.serving.actions import DEFAULT_ACTIONS, ActionAnswer, Actions
from chalicelib.serving.answers import Answer
from chalicelib.serving.cache import Cache
from chalicelib.serving.calls import Caller, Deadline
from chalicelib.serving.campaign import Campaigns
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import BadRequest
from chalicelib.serving.ids import to_id
from chalicelib.serving.options import parse_options
from chalicelib.serving.popular import PopularLists
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.serving.recommend import Recommender
from chalicelib.serving.segments import SegmentAnswer, Segments
from chalicelib.serving.values import type_name
from chalicelib.snowflake.batches import Batches
from chalicelib.snowflake.functions import PRESETS
from chalicelib.streaming import batch, segment
from chalicelib.streaming.members import Batch
from chalicelib.streaming.send import Outcome, Sender
from chalicelib.telemetry import logger

# API Gateway gives up after 29 s.
DEADLINE_SECONDS = 25.0
SNOWFLAKE_BODY_BYTES = 6_000_000
SNOWFLAKE_HEADERS = ("errors", *PRESETS)


@dataclass(frozen=True)
class Api:
    """One method per route. Safe for threads."""

    ledger: Ledger
    catalogue: Catalogue
    recommender: Recommender
    next_actions: Actions
    user_segments: Segments
    sender: Sender
    batches: Batches
    clock: Callable[[], float]
    seconds: float = DEADLINE_SECONDS

    @classmethod
    def over(cls, context: Context) -> Api:
        """The API of a context: each client but the table's is made when it is first asked for.

        Raises:
            ConfigurationError: the variable that names the table is not set.
        """
        clock = context.clock
        # A read that may be a second old costs half; what it brings is kept for seconds anyway.
        ledger = replace(context.ledger, consistent=False)
        catalogue = Catalogue(ledger, clock)
        caller = Caller(context.sleep, context.random)
        recommender = Recommender(
            catalogue,
            Campaigns(lambda: context.clients.personalize_runtime, caller),
            PopularLists(lambda: context.work),
            Cache(clock),
            clock,
        )
        batches = Batches.over(recommender, clock, context.sleep)

        def forget(owner: tuple[str, str]) -> None:
            recommender.cache.forget(owner)
            batches.forget(owner)

        sender = Sender(
            catalogue, lambda: context.clients.personalize_events, caller, forget, context.now
        )
        return cls(
            ledger,
            catalogue,
            recommender,
            Actions(catalogue, lambda: context.clients.personalize_runtime, caller),
            Segments(catalogue, lambda: context.work),
            sender,
            batches,
            clock,
        )

    # -- answers -----------------------------------------------------------------------------------

    def recommendations(self, call: Call, user: str) -> Answer:
        return self._answer(for_user(to_id(user, "user"), parse_options(call.query)))

    def similar(self, call: Call, item: str) -> Answer:
        query = call.query
        user = to_id(query["userId"], "userId") if "userId" in query else None
        options = parse_options(query, also=("userId",))
        return self._answer(for_item(to_id(item, "item"), options, user))

    def rank(self, call: Call) -> Answer:
        body = call.json_object()
        # The group and the solution often stand in the query string; the body comes first.
        options = parse_options({**call.query, **body}, also=("userId", "items"), sized=False)
        items = body.get("items")
        if not isinstance(items, list):
            raise BadRequest(
                f"items has a value of type {type_name(items)}. Expected an array of item ids."
            )
        ids = [to_id(item, f"items[{number}]") for number, item in enumerate(items)]
        return self._answer(for_ranking(to_id(body.get("userId"), "userId"), ids, options))

    def popular(self, call: Call) -> Answer:
        return self._answer(for_everyone(parse_options(call.query)))

    def trending(self, call: Call) -> Answer:
        return self._answer(for_everyone(parse_options(call.query), "trending"))

    def actions(self, call: Call, user: str) -> ActionAnswer:
        options = parse_options({"numResults": DEFAULT_ACTIONS, **call.query})
        return self.next_actions.of(to_id(user, "user"), options, self._deadline())

    def segments(self, call: Call, item: str) -> SegmentAnswer:
        return self.user_segments.of(item, parse_options(call.query))

    def _answer(self, question: Question) -> Answer:
        answer = self.recommender.answer(question, self._deadline())
        if answer.source == "fallback":
            fields = {"group": answer.group, "kind": question.kind, "reason": answer.reason}
            logger.info("fallback", extra=fields)
        return answer

    # -- what comes in -----------------------------------------------------------------------------

    def events(self, call: Call) -> Reply:
        group, found = batch.parse_batch(call.json(), call.query)
        return _to_reply(self.sender.send(group, found, self._deadline()))

    def segment(self, call: Call) -> Reply:
        found, ignored = segment.parse_calls(call.json())
        group = batch.parse_query(call.query)
        outcome = self.sender.send(group, Batch(events=found), self._deadline())
        return _to_reply(outcome, ignored=ignored)

    # -- Snowflake ---------------------------------------------------------------------------------

    def snowflake(self, call: Call, function: str) -> object:
        if call.method == "GET":
            batch_id = call.header("sf-external-function-query-batch-id")
            return self.batches.poll(function, batch_id)
        body = call.body(SNOWFLAKE_BODY_BYTES)
        return self.batches.run(function, body, _presets(call), self._deadline())

    # -- the API itself ----------------------------------------------------------------------------

    def run(self, _call: Call, run: str) -> dict[str, Any]:
        return describe_run(self.ledger, run)

    def health(self, _call: Call) -> Reply:
        return check_health(self.catalogue)

    def status(self, _call: Call) -> Reply:
        return describe_status(self.catalogue)

    def _deadline(self) -> Deadline:
        return Deadline.after(self.seconds, self.clock)


def _presets(call: Call) -> dict[str, str]:
    """The HEADERS of the SQL definition, which Snowflake sends as `sf-custom-<name>`."""
    found = {name: call.header(f"sf-custom-{name}") for name in SNOWFLAKE_HEADERS}
    return {name: value for name, value in found.items() if value is not None}


def _to_reply(outcome: Outcome, **counts: int) -> Reply:
    """200 with the count of members; 400 that names those which the service refused."""
    payload = {"accepted": outcome.accepted, **counts}
    if not outcome.rejected:
        return Reply(200, payload)
    rejected = [
        {"in": kind, "index": index, "message": message}
        for kind, index, message in sorted(outcome.rejected)
    ]
    first = rejected[0]["message"]
    message = (
        f"The service refused {len(rejected)} of them; the others are accepted. First: {first}"
    )
    error = {"code": "BadRequest", "message": message, "rejected": rejected}
    return Reply(400, {"error": error, **payload})
