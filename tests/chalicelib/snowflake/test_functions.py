"""A row's arguments as a question."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.options import Options
from chalicelib.serving.question import Question, for_everyone, for_item, for_ranking, for_user
from chalicelib.snowflake.functions import FUNCTIONS, Function, find_function
from chalicelib.snowflake.protocol import Row


def ask(name: str, *arguments: Any, presets: dict[str, str] | None = None) -> Question | None:
    return find_function(name).ask(Row(0, arguments), presets or {})


@pytest.mark.parametrize(
    ("name", "arguments", "question"),
    [
        ("recommend", ("u1",), for_user("u1", Options())),
        (
            "recommend",
            (1, "2", {"metadata": False}),
            for_user("1", Options(num_results=2, metadata=False)),
        ),
        ("recommend", ("u1", None, None), for_user("u1", Options())),
        ("similar", ("tea", 3), for_item("tea", Options(num_results=3))),
        ("rank", ("u1", ["a", 2]), for_ranking("u1", ["a", "2"], Options())),
        ("popular", (), for_everyone(Options())),
        ("popular", (None, None), for_everyone(Options())),
    ],
)
def test_arguments_become_a_question(
    name: str, arguments: tuple[Any, ...], question: Question
) -> None:
    assert ask(name, *arguments) == question


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("recommend", (None, 3)),
        ("similar", (None,)),
        ("rank", (None, ["a"])),
        ("rank", ("u1", None)),
    ],
)
def test_null_for_the_user_or_item_asks_nothing(name: str, arguments: tuple[Any, ...]) -> None:
    assert ask(name, *arguments) is None


def test_objects_and_arrays_may_come_as_text() -> None:
    assert ask("recommend", "u1", None, '{"filter": "cheap"}') == for_user(
        "u1", Options(filter="cheap")
    )
    assert ask("rank", "u1", '["a", "b"]') == for_ranking("u1", ["a", "b"], Options())


def test_presets_are_defaults_for_the_options_of_a_row() -> None:
    presets = {"group": "books", "errors": "fail"}
    assert ask("recommend", "u1", presets=presets) == for_user("u1", Options(group="books"))
    own = ask("recommend", "u1", None, {"group": "shop"}, presets=presets)
    assert own == for_user("u1", Options(group="shop"))


def test_a_null_option_says_nothing_and_hides_no_typing_error() -> None:
    found = ask("recommend", "u1", None, {"group": None}, presets={"group": "books"})
    assert found == for_user("u1", Options(group="books"))
    with pytest.raises(BadRequest, match="Unknown parameter 'grup'"):
        ask("recommend", "u1", None, {"grup": None}, presets={"group": "books"})


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_registry_agrees_with_the_handler(function: Function) -> None:
    """NULL at a subject, and nowhere else, makes the value NULL."""
    samples: dict[str, Any] = {"VARCHAR": "a", "NUMBER": 3, "ARRAY": ["a"], "OBJECT": {}}
    given = [samples[argument.sql_type] for argument in function.arguments]
    assert function.ask(Row(0, tuple(given)), {}) is not None
    for place, argument in enumerate(function.arguments):
        with_null = (*given[:place], None, *given[place + 1 :])
        assert (function.ask(Row(0, with_null), {}) is None) == argument.is_subject
    # Snowflake itself would skip rows whose options are NULL.
    assert function.null_rule == "CALLED ON NULL INPUT"
    assert function.effect == "none"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("recommend", ("",), "user_id is empty. Expected 1 to 256 characters."),
        ("recommend", ("u1", 0), "numResults has value 0. Expected a whole number from 1 to 500."),
        ("recommend", ("u1", None, []), "options has a value of type array. Expected an OBJECT."),
        ("recommend", ("u1", None, "{"), "options is not valid JSON"),
        ("similar", (True,), "item_id has a value of type boolean."),
        ("rank", ("u1", "7"), "items has a value of type number. Expected an ARRAY of item ids."),
        ("rank", ("u1", [None]), "items[0] has a value of type null."),
        ("rank", ("u1", []), "items has 0 entries. Expected 1 to 500."),
        ("rank", ("u1", ["a"], {"numResults": 3}), "Unknown parameter 'numResults'."),
    ],
)
def test_a_wrong_argument_is_named(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        ask(name, *arguments)
    assert caught.value.message.startswith(message)


def test_an_unknown_function_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="Expected one of: popular, rank, recommend, similar"):
        find_function("nope")


def test_the_options_are_the_last_argument_of_every_function() -> None:
    for name, function in FUNCTIONS.items():
        assert function.signature.name == name
        assert function.signature.arguments[-1] == "options"
