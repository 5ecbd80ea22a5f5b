"""The SQL functions recommend, similar, rank and popular: a batch of rows in, one value per row
out.

A row's value depends on that row alone, whatever batch it comes in: equal rows are asked once, an
answer does not say whether it came from a cache, and the recommendation id, which differs call by
call, is left out.

A NULL user or item gives NULL; other NULLs take the default. A wrong argument gives `{"error":
{...}}` in its row, or, with `HEADERS = ('errors' = 'fail')` in the SQL definition, a 400 that fails
the query. A campaign that is overloaded gives 429 for the whole batch, one that does not answer in
time 503: Snowflake sends the batch again.

Not here: answers of 202 and the functions that start jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from chalicelib.serving.answers import Answer
from chalicelib.serving.cache import Cache
from chalicelib.serving.errors import (
    ApiError,
    BadRequest,
    NotFound,
    TooManyRequests,
    Unavailable,
    one_of,
)
from chalicelib.serving.ids import to_id, type_name
from chalicelib.serving.options import parse_options
from chalicelib.serving.recommend import (
    Question,
    Recommender,
    for_everyone,
    for_item,
    for_ranking,
    for_user,
)
from chalicelib.serving.request import decode_json
from chalicelib.serving.runtime import Deadline
from chalicelib.snowflake.pace import PacedCaller
from chalicelib.snowflake.protocol import Row, Signature, encode_rows, parse_batch, row_error

WORKERS = 32
# Longer than for people: Snowflake sends a batch again for minutes. 10,000 answers of 25 items are
# about 50 MB.
KEPT_SECONDS = 60.0
KEPT_ANSWERS = 10_000
NULL = b"null"
# What a function's HEADERS may preset, as sf-custom-<name>; a row's options come before them.
PRESETS = ("filter", "group", "solution")


@dataclass(frozen=True)
class Function:
    """`ask` turns a row's arguments into a question; None stands for NULL, with `options` always a
    mapping.
    """

    signature: Signature
    ask: Callable[[tuple[Any, ...], Mapping[str, Any]], Question | None]


@dataclass(frozen=True)
class Functions:
    """Runs batches. `presets` of a call are the defaults for the options of its rows."""

    recommender: Recommender
    caller: PacedCaller

    @classmethod
    def over(
        cls, recommender: Recommender, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> Functions:
        """Functions with a cache and a pace of their own: a batch that Snowflake sends again goes
        on where it was.
        """
        caller = PacedCaller(sleep, recommender.caller.random, clock=clock)
        cache: Cache[Answer] = Cache(clock, ttl=KEPT_SECONDS, size=KEPT_ANSWERS)
        return cls(replace(recommender, caller=caller, cache=cache), caller)

    def forget(self, owner: tuple[str, str]) -> None:
        self.recommender.cache.forget(owner)

    def run(
        self, name: str, body: bytes, presets: Mapping[str, str], deadline: Deadline
    ) -> dict[str, Any]:
        """The batch's answer as JSON values. Raises ApiError and CallError for the whole batch."""
        function = find_function(name)
        fail = _fails_on_errors(presets)
        rows = parse_batch(body, function.signature)
        asked = [_ask(function, row, presets) for row in rows]
        questions = dict.fromkeys(question for question in asked if isinstance(question, Question))
        answers = self._answer_all(list(questions), deadline)
        outcomes = [answers[found] if isinstance(found, Question) else found for found in asked]
        if fail:
            _raise_first_error(outcomes)
        return encode_rows(rows, [_encode(outcome) for outcome in outcomes])

    def poll(self, name: str, batch_id: str | None) -> dict[str, Any]:
        """GET asks for a batch answered with 202 before; no function answers so, and none is known."""
        find_function(name)
        raise NotFound(
            f"Unknown batch {batch_id!r}." if batch_id else "No batch id in the request."
        )

    def _answer_all(
        self, questions: Sequence[Question], deadline: Deadline
    ) -> dict[Question, bytes | ApiError]:
        """Each question's value, asked by a bounded number of threads; the first whole-batch
        failure ends all.
        """
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
            executor.shutdown(wait=False, cancel_futures=True)

    def _answer(self, question: Question, deadline: Deadline) -> bytes | ApiError:
        try:
            answer = self.recommender.consult(question, deadline)
        except ApiError as error:
            if error.status >= 429:
                raise
            return error
        source = "campaign" if answer.source == "cache" else answer.source
        return msgspec.json.encode(
            msgspec.structs.replace(answer, source=source, recommendation_id=None)
        )

    def _out_of_time(self) -> ApiError:
        if self.caller.has_throttled:
            return TooManyRequests(
                "The campaign answers fewer rows a second than the batch needs.", retry_after=1
            )
        return Unavailable("The campaign did not answer all rows in time.", retry_after=1)


def find_function(name: str) -> Function:
    if name not in FUNCTIONS:
        raise BadRequest(f"Unknown function {name[:60]!r}. Expected one of: {one_of(FUNCTIONS)}.")
    return FUNCTIONS[name]


def _fails_on_errors(presets: Mapping[str, str]) -> bool:
    value = presets.get("errors", "row")
    if value not in ("row", "fail"):
        raise BadRequest(f"Header 'errors' has value {value!r}. Expected one of: fail, row.")
    return value == "fail"


def _ask(function: Function, row: Row, presets: Mapping[str, str]) -> Question | ApiError | None:
    """The row's question, None for NULL, or what is wrong with its arguments."""
    names = function.signature.arguments
    arguments = (*row.arguments, *[None] * (len(names) - len(row.arguments)))
    defaults = {name: presets[name] for name in PRESETS if name in presets}
    try:
        return function.ask(arguments[:-1], {**defaults, **_options(arguments[-1])})
    except BadRequest as error:
        return error


def _options(value: Any) -> dict[str, Any]:
    """The OBJECT argument; a function declared with VARCHAR sends it as text."""
    if value is None:
        return {}
    found = decode_json(value, "options") if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise BadRequest(f"options has a value of type {type_name(found)}. Expected an OBJECT.")
    return found


def _recommend(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Question | None:
    user_id, num_results = arguments
    if user_id is None:
        return None
    return for_user(to_id(user_id, "user_id"), parse_options(_sized(options, num_results)))


def _similar(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Question | None:
    item_id, num_results = arguments
    if item_id is None:
        return None
    return for_item(to_id(item_id, "item_id"), parse_options(_sized(options, num_results)))


def _rank(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Question | None:
    user_id, items = arguments
    if user_id is None or items is None:
        return None
    found = decode_json(items, "items") if isinstance(items, str) else items
    if not isinstance(found, list):
        raise BadRequest(
            f"items has a value of type {type_name(found)}. Expected an ARRAY of item ids."
        )
    ids = [to_id(item, f"items[{number}]") for number, item in enumerate(found)]
    return for_ranking(to_id(user_id, "user_id"), ids, parse_options(options, sized=False))


def _popular(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> Question | None:
    (num_results,) = arguments
    return for_everyone(parse_options(_sized(options, num_results)))


def _sized(options: Mapping[str, Any], num_results: Any) -> Mapping[str, Any]:
    return options if num_results is None else {**options, "numResults": num_results}


def _raise_failure(done: set[Future[bytes | ApiError]]) -> None:
    for future in done:
        failure = future.exception()
        if failure is not None:
            raise failure


def _raise_first_error(outcomes: Sequence[bytes | ApiError | None]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, ApiError):
            raise BadRequest(outcome.message)


def _encode(outcome: bytes | ApiError | None) -> bytes:
    if outcome is None:
        return NULL
    return msgspec.json.encode(row_error(outcome)) if isinstance(outcome, ApiError) else outcome


FUNCTIONS: Mapping[str, Function] = {
    "popular": Function(Signature("popular", ("num_results", "options"), required=0), _popular),
    "rank": Function(Signature("rank", ("user_id", "items", "options"), required=2), _rank),
    "recommend": Function(
        Signature("recommend", ("user_id", "num_results", "options")), _recommend
    ),
    "similar": Function(Signature("similar", ("item_id", "num_results", "options")), _similar),
}
