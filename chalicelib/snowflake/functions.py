"""The registry of the SQL functions, and a row's arguments as a question.

The handler's checks, the SQL of `recdrop snowflake sql`, its grants and docs/sql.md are made from
`FUNCTIONS`. A NULL user or item gives NULL; other NULLs take the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.serving.errors import BadRequest, one_of
from chalicelib.serving.ids import to_id
from chalicelib.serving.options import DEFAULT_RESULTS, parse_options
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.serving.values import decode_json, type_name
from chalicelib.snowflake.protocol import Row, Signature

Arguments = tuple[Any, ...]
Options = Mapping[str, Any]
SqlType = Literal["ARRAY", "NUMBER", "OBJECT", "VARCHAR", "VARIANT"]
# What a function's HEADERS may preset, as sf-custom-<name>; a row's options come before them.
PRESETS = ("filter", "group", "solution")


@dataclass(frozen=True)
class Argument:
    """An argument of a SQL function. `is_subject`: what the row asks about; NULL there gives NULL."""

    name: str
    sql_type: SqlType
    text: str
    is_subject: bool = False

    def read(self, value: Any) -> Any:
        """The value as its SQL type has it; a function declared with VARCHAR sends JSON as text.

        Raises:
            BadRequest: it is no OBJECT, or no ARRAY, where one is declared. Other values are checked
                by what uses them.
        """
        if value is None or self.sql_type not in _JSON_TYPES:
            return value
        kind, expected = _JSON_TYPES[self.sql_type]
        found = decode_json(value, self.name) if isinstance(value, str) else value
        if not isinstance(found, kind):
            problem = f"{self.name} has a value of type {type_name(found)}."
            raise BadRequest(f"{problem} Expected {expected}.")
        return found


@dataclass(frozen=True)
class Function:
    """A SQL function: all that the handler, the generated SQL and the docs say of it.

    `name` is the route's, `sql_name` what stands in SQL. The last argument is the options, an
    OBJECT. `to_question` gets the arguments before it, NULL as None, and the options as a mapping.
    """

    name: str
    sql_name: str
    arguments: tuple[Argument, ...]
    max_batch_rows: int
    text: str
    to_question: Callable[[Arguments, Options], Question]
    returns: SqlType = "VARIANT"
    # A row without subject is answered too, so Snowflake must not skip rows with a NULL.
    null_rule: Literal["CALLED ON NULL INPUT", "RETURNS NULL ON NULL INPUT"] = (
        "CALLED ON NULL INPUT"
    )
    # The model changes: an answer of yesterday's must not be taken for today's.
    volatility: Literal["VOLATILE", "IMMUTABLE"] = "VOLATILE"
    effect: Literal["none", "starts a run", "changes what is served"] = "none"

    @property
    def signature(self) -> Signature:
        """How many arguments a row must and may have: all up to the last subject, all that there are."""
        subjects = [
            place for place, argument in enumerate(self.arguments, 1) if argument.is_subject
        ]
        names = tuple(argument.name for argument in self.arguments)
        return Signature(self.name, names, required=max(subjects, default=0))

    @property
    def sql_types(self) -> tuple[SqlType, ...]:
        """The types that tell the function from another of its name, as GRANT and DROP want them."""
        return tuple(argument.sql_type for argument in self.arguments)

    def ask(self, row: Row, presets: Mapping[str, str]) -> Question | None:
        """The row's question, None for NULL.

        Raises:
            BadRequest: an argument is wrong.
        """
        missing = len(self.arguments) - len(row.arguments)
        given = list(zip(self.arguments, (*row.arguments, *[None] * missing), strict=True))
        if any(argument.is_subject and value is None for argument, value in given):
            return None
        *arguments, options = [argument.read(value) for argument, value in given]
        return self.to_question(tuple(arguments), _with_presets(options or {}, presets))


def _with_presets(options: Options, presets: Mapping[str, str]) -> Options:
    """The options with the presets where they say nothing: a missing name and a null are the same."""
    defaults = {name: presets[name] for name in PRESETS if name in presets}
    silent = {name: value for name, value in defaults.items() if options.get(name) is None}
    return {**options, **silent}


def find_function(name: str) -> Function:
    """The function called `name`.

    Raises:
        BadRequest: there is none. Not a NotFound: Snowflake fails the query with our message.
    """
    if name not in FUNCTIONS:
        raise BadRequest(f"Unknown function {name[:60]!r}. Expected one of: {one_of(FUNCTIONS)}.")
    return FUNCTIONS[name]


def _recommend(arguments: Arguments, options: Options) -> Question:
    user_id, num_results = arguments
    return for_user(to_id(user_id, "user_id"), parse_options(_sized(options, num_results)))


def _similar(arguments: Arguments, options: Options) -> Question:
    item_id, num_results = arguments
    return for_item(to_id(item_id, "item_id"), parse_options(_sized(options, num_results)))


def _rank(arguments: Arguments, options: Options) -> Question:
    user_id, items = arguments
    ids = [to_id(item, f"items[{place}]") for place, item in enumerate(items)]
    return for_ranking(to_id(user_id, "user_id"), ids, parse_options(options, sized=False))


def _popular(arguments: Arguments, options: Options) -> Question:
    (num_results,) = arguments
    return for_everyone(parse_options(_sized(options, num_results)))


def _sized(options: Options, num_results: Any) -> Options:
    return options if num_results is None else {**options, "numResults": num_results}


_JSON_TYPES: Mapping[str, tuple[type, str]] = {
    "ARRAY": (list, "an ARRAY of item ids"),
    "OBJECT": (dict, "an OBJECT"),
}
_USER = Argument("user_id", "VARCHAR", "the user", is_subject=True)
_SIZE = Argument("num_results", "NUMBER", f"how many items; NULL: {DEFAULT_RESULTS}")
_OPTIONS = Argument("options", "OBJECT", "group, solution, filter and the like; NULL: none")
_ROWS = (
    Function(
        "popular",
        "popular",
        (_SIZE, _OPTIONS),
        500,
        "The items that most people like.",
        _popular,
    ),
    Function(
        "rank",
        "rank",
        (_USER, Argument("items", "ARRAY", "1 to 500 items", is_subject=True), _OPTIONS),
        100,
        "The given items, those first that the user likes best.",
        _rank,
    ),
    Function(
        "recommend",
        "recommend",
        (_USER, _SIZE, _OPTIONS),
        500,
        "The items that the user likes best.",
        _recommend,
    ),
    Function(
        "similar",
        "similar_items",
        (Argument("item_id", "VARCHAR", "the item", is_subject=True), _SIZE, _OPTIONS),
        500,
        "The items that go with an item.",
        _similar,
    ),
)
FUNCTIONS: Mapping[str, Function] = {row.name: row for row in _ROWS}
