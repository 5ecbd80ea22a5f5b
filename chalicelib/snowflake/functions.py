"""The SQL functions: recommend, similar, rank and popular, each a row's arguments as a question.

A NULL user or item gives NULL; other NULLs take the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.serving.errors import BadRequest, one_of
from chalicelib.serving.ids import to_id
from chalicelib.serving.options import parse_options
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.serving.values import decode_json, type_name
from chalicelib.snowflake.protocol import Row, Signature

Arguments = tuple[Any, ...]
Options = Mapping[str, Any]
# What a function's HEADERS may preset, as sf-custom-<name>; a row's options come before them.
PRESETS = ("filter", "group", "solution")


@dataclass(frozen=True)
class Function:
    """A SQL function; the last argument of each is its options, an OBJECT.

    `to_question` gets the arguments before it, NULL as None, and the options as a mapping. It
    answers None for a row whose value is NULL.
    """

    signature: Signature
    to_question: Callable[[Arguments, Options], Question | None]

    def ask(self, row: Row, presets: Mapping[str, str]) -> Question | None:
        """The row's question, None for NULL.

        Raises:
            BadRequest: an argument is wrong.
        """
        missing = len(self.signature.arguments) - len(row.arguments)
        arguments = (*row.arguments, *[None] * missing)
        defaults = {name: presets[name] for name in PRESETS if name in presets}
        return self.to_question(arguments[:-1], {**defaults, **_options(arguments[-1])})


def find_function(name: str) -> Function:
    """The function called `name`.

    Raises:
        BadRequest: there is none. Not a NotFound: Snowflake fails the query with our message.
    """
    if name not in FUNCTIONS:
        raise BadRequest(f"Unknown function {name[:60]!r}. Expected one of: {one_of(FUNCTIONS)}.")
    return FUNCTIONS[name]


def _recommend(arguments: Arguments, options: Options) -> Question | None:
    user_id, num_results = arguments
    if user_id is None:
        return None
    return for_user(to_id(user_id, "user_id"), parse_options(_sized(options, num_results)))


def _similar(arguments: Arguments, options: Options) -> Question | None:
    item_id, num_results = arguments
    if item_id is None:
        return None
    return for_item(to_id(item_id, "item_id"), parse_options(_sized(options, num_results)))


def _rank(arguments: Arguments, options: Options) -> Question | None:
    user_id, items = arguments
    if user_id is None or items is None:
        return None
    # An ARRAY; a function declared with VARCHAR sends it as text.
    found = decode_json(items, "items") if isinstance(items, str) else items
    if not isinstance(found, list):
        raise BadRequest(
            f"items has a value of type {type_name(found)}. Expected an ARRAY of item ids."
        )
    ids = [to_id(item, f"items[{place}]") for place, item in enumerate(found)]
    return for_ranking(to_id(user_id, "user_id"), ids, parse_options(options, sized=False))


def _popular(arguments: Arguments, options: Options) -> Question | None:
    (num_results,) = arguments
    return for_everyone(parse_options(_sized(options, num_results)))


def _sized(options: Options, num_results: Any) -> Options:
    return options if num_results is None else {**options, "numResults": num_results}


def _options(value: Any) -> Options:
    """The OBJECT argument; a function declared with VARCHAR sends it as text."""
    if value is None:
        return {}
    found = decode_json(value, "options") if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise BadRequest(f"options has a value of type {type_name(found)}. Expected an OBJECT.")
    return found


_ROWS = (
    Function(Signature("popular", ("num_results", "options"), required=0), _popular),
    Function(Signature("rank", ("user_id", "items", "options"), required=2), _rank),
    Function(Signature("recommend", ("user_id", "num_results", "options")), _recommend),
    Function(Signature("similar", ("item_id", "num_results", "options")), _similar),
)
FUNCTIONS: Mapping[str, Function] = {row.signature.name: row for row in _ROWS}
