"""A batch of rows answered: one value per row.

A row's value depends on that row alone, whatever batch it comes in: equal rows are asked once, an
answer does not say whether it came from a cache, and the recommendation id, which differs call by
call, is left out.

A wrong argument gives `{"error": {...}}` in its row, or, with `HEADERS = ('errors' = 'fail')` in
the SQL definition, a 400 that fails the query. A campaign that is overloaded gives 429 for the
whole batch, one that does not answer in time 503: Snowflake sends the batch again. A permission
that recdrop lacks is a 400: the query fails at once.

Not here: answers of 202, and the functions that start jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from chalicelib.errors import AccessDenied
from chalicelib.serving.cache import Cache
from chalicelib.serving.calls import Deadline
from chalicelib.serving.errors import (
    ApiError,
    BadRequest,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from chalicelib.serving.question import Question
from chalicelib.serving.recommend import Recommender
from chalicelib.snowflake.functions import Function, find_function
from chalicelib.snowflake.pace import PacedCaller
from chalicelib.snowflake.protocol import Row, encode_rows, parse_batch, row_error

WORKERS = 32
# Longer than for people: Snowflake sends a batch again for minutes, and the answers until then are
# paid for. 10,000 answers of 25 items are about 50 MB.
KEPT_SECONDS = 60.0
KEPT_ANSWERS = 10_000
NULL = b"null"

Value = bytes | ApiError  # a row's value as JSON, or what is wrong with the row


@dataclass(frozen=True)
class Batches:
    """Answers batches. `caller` is the one that the recommender's campaigns use."""

    recommender: Recommender
    caller: PacedCaller

    @classmethod
    def over(
        cls, recommender: Recommender, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> Batches:
        """Over the same groups and campaigns as `recommender`, with a pace and a cache of its own.

        So a batch that Snowflake sends again goes on where it was.
        """
        caller = PacedCaller(sleep, recommender.campaigns.caller.random, clock=clock)
        own = replace(
            recommender,
            campaigns=replace(recommender.campaigns, caller=caller),
            cache=Cache(clock, ttl=KEPT_SECONDS, size=KEPT_ANSWERS),
        )
        return cls(own, caller)

    def forget(self, owner: tuple[str, str]) -> None:
        self.recommender.cache.forget(owner)

    def run(
        self, name: str, body: bytes, presets: Mapping[str, str], deadline: Deadline
    ) -> dict[str, Any]:
        """The batch's answer as JSON values. `presets` are defaults for the options of its rows.

        Raises:
            ApiError, AwsError: the whole batch fails.
        """
        function = find_function(name)
        fails_on_errors = _fails_on_errors(presets)
        rows = parse_batch(body, function.signature)
        asked = [_ask(function, row, presets) for row in rows]
        # A dict, not a set: questions are asked in the order of their rows.
        questions = dict.fromkeys(question for question in asked if isinstance(question, Question))
        answers = self._answer_all(list(questions), deadline)
        outcomes = [answers[found] if isinstance(found, Question) else found for found in asked]
        if fails_on_errors:
            _raise_first_error(outcomes)
        return encode_rows(rows, [_encode(outcome) for outcome in outcomes])

    def poll(self, name: str, batch_id: str | None) -> dict[str, Any]:
        """GET asks for a batch that was answered with 202; no function answers so.

        Raises:
            NotFound: always, so that Snowflake does not poll on.
        """
        find_function(name)
        raise NotFound(
            f"Unknown batch {batch_id!r}." if batch_id else "No batch id in the request."
        )

    def _answer_all(
        self, questions: Sequence[Question], deadline: Deadline
    ) -> dict[Question, Value]:
        """Each question's value; the first failure of the whole batch ends all."""
        if not questions:
            return {}
        executor = ThreadPoolExecutor(min(WORKERS, len(questions)))
        try:
            futures = {
                question: executor.submit(self._answer, question, deadline)
                for question in questions
            }
            done, pending = wait(
                futures.values(), timeout=max(0.0, deadline.left), return_when=FIRST_EXCEPTION
            )
            _raise_failure(done)
            if pending:
                raise self._out_of_time()
            return {question: future.result() for question, future in futures.items()}
        finally:
            # A call that hangs is not waited for: the answer is due now.
            executor.shutdown(wait=False, cancel_futures=True)

    def _answer(self, question: Question, deadline: Deadline) -> Value:
        try:
            answer = self.recommender.consult(question, deadline)
        except ApiError as error:
            # 429 and 503 are about the campaign, all others about this row.
            if error.status >= 429:
                raise
            return error
        except AccessDenied as denied:
            # Waiting does not cure it, and a 5xx would make Snowflake wait for minutes.
            raise BadRequest(
                f"recdrop's own role may not do what the answer needs ({denied.code}). "
                "Ask whoever deployed it for the missing permission."
            ) from denied
        source = "campaign" if answer.source == "cache" else answer.source
        return msgspec.json.encode(
            msgspec.structs.replace(answer, source=source, recommendation_id=None)
        )

    def _out_of_time(self) -> ApiError:
        """Snowflake slows down after a 429, and only sends again after a 503."""
        if self.caller.has_throttled:
            return TooManyRequests(
                "The campaign answers fewer rows a second than the batch needs.", retry_after=1
            )
        return Unavailable("The campaign did not answer all rows in time.", retry_after=1)


def _fails_on_errors(presets: Mapping[str, str]) -> bool:
    value = presets.get("errors", "row")
    if value not in ("row", "fail"):
        raise BadRequest(f"Header 'errors' has value {value!r}. Expected one of: fail, row.")
    return value == "fail"


def _ask(function: Function, row: Row, presets: Mapping[str, str]) -> Question | ApiError | None:
    """The row's question, None for NULL, or what is wrong with its arguments."""
    try:
        return function.ask(row, presets)
    except BadRequest as error:
        return error


def _raise_failure(done: set[Future[Value]]) -> None:
    for future in done:
        failure = future.exception()
        if failure is not None:
            raise failure


def _raise_first_error(outcomes: Sequence[Value | None]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, ApiError):
            raise BadRequest(outcome.message)


def _encode(outcome: Value | None) -> bytes:
    if outcome is None:
        return NULL
    return msgspec.json.encode(row_error(outcome)) if isinstance(outcome, ApiError) else outcome
