"""Options: what is taken, what is refused and in which words. Query strings give text only."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.serving.errors import BadRequest
from chalicelib.serving.options import Options, parse_options

FILTERED = {"filter": "not-purchased"}


def refusal(given: dict[str, object], **settings: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        parse_options(given, **settings)
    return caught.value.message


def filter_values(values: object) -> dict[str, str]:
    return dict(parse_options({**FILTERED, "filterValues": values}).filter_values)


def test_without_wishes_there_are_twenty_five_results_and_nothing_else() -> None:
    assert parse_options({}) == Options(num_results=25)


@pytest.mark.parametrize("value", ["7", 7, 7.0, Decimal(7)])
def test_a_number_of_results_may_be_text_or_any_whole_number(value: object) -> None:
    assert parse_options({"numResults": value}).num_results == 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("abc", "'abc'"),
        ("", "''"),
        ("0", "'0'"),
        ("501", "'501'"),
        ("-5", "'-5'"),
        ("5.0", "'5.0'"),
        ("\u0663", r"'\u0663'"),
        (True, "True"),
        (1.5, "1.5"),
        (float("inf"), "inf"),
        (Decimal("1e999999999"), "1E+999999999"),
        ([], "[]"),
    ],
)
def test_a_wrong_number_of_results_is_shown(value: object, shown: str) -> None:
    expected = f"numResults has value {shown}. Expected a whole number from 1 to 500."
    assert refusal({"numResults": value}) == expected


def test_an_unknown_parameter_is_named_with_the_known_ones() -> None:
    known = "context, filter, filterValues, group, metadata, numResults, solution."
    assert (
        refusal({"numresults": "5"}) == f"Unknown parameter 'numresults'. Expected one of: {known}"
    )


def test_a_caller_may_read_further_keys_and_have_no_number_of_results() -> None:
    assert parse_options({"userId": "u1"}, also=("userId",)) == Options()
    assert refusal({"numResults": 3}, sized=False).startswith("Unknown parameter 'numResults'.")


@pytest.mark.parametrize(
    ("value", "read"), [("true", True), ("false", False), (True, True), (None, None)]
)
def test_metadata_is_wanted_or_not_or_left_to_us(value: object, read: bool | None) -> None:
    assert parse_options({"metadata": value}).metadata is read


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metadata": "1"}, "metadata has value '1'. Expected one of: true, false."),
        ({"group": ""}, "group has value ''. Expected a name."),
        ({"solution": 7}, "solution has value 7. Expected a name."),
        ({"filter": "x" * 501}, "filter has value 'xxx"),
    ],
)
def test_a_wrong_name_or_flag_is_refused(given: dict[str, object], message: str) -> None:
    assert refusal(given).startswith(message)


# -- filterValues ----------------------------------------------------------------------------------


def test_filter_values_take_the_services_syntax() -> None:
    values = {"GENRE": ["tea", "coffee"], "PRICE": 10, "RATE": 1.5, "NAME": "O'Neil"}
    assert filter_values(values) == {
        "GENRE": '"tea","coffee"',
        "PRICE": "10",
        "RATE": "1.5",
        "NAME": '"O\'Neil"',
    }
    assert filter_values(json.dumps(values)) == filter_values(values)


def test_a_large_decimal_keeps_its_digits() -> None:
    assert filter_values({"A": Decimal("1E+3")}) == {"A": "1000"}


def test_the_order_of_values_makes_no_other_question() -> None:
    one, other = ({**FILTERED, "filterValues": {a: "x", b: "x"}} for a, b in ("AB", "BA"))
    assert parse_options(one) == parse_options(other)
    assert hash(parse_options(one)) == hash(parse_options(other))


def test_values_quoted_as_personalize_documents_them_are_taken() -> None:
    assert filter_values({"A": '"horror","comedy"'}) == {"A": '"horror","comedy"'}


@pytest.mark.parametrize("value", ['x" OR ITEM.ID = "y', '"', "a\\", '"a" OR "b"', '"a",'])
def test_a_filter_value_cannot_leave_its_quotes(value: str) -> None:
    for given in (value, ["a", value]):
        message = refusal({**FILTERED, "filterValues": {"A": given}})
        assert "holds a double quote or a backslash" in message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("[]", "filterValues has a value of type array. Expected a JSON object of names"),
        ("{", "filterValues is not valid JSON"),
        ({"A": None}, "filterValues.A has a value of type null. Expected text, a number"),
        ({"A": True}, "filterValues.A has a value of type boolean."),
        ({"A": []}, "filterValues.A is an empty list. Expected at least one value."),
        ({"A": [["b"]]}, "filterValues.A holds a list in a list."),
        ({"A": [None]}, "filterValues.A has a value of type null."),
        ({"A b": "c"}, "filterValues has the key 'A b'. Expected letters, digits"),
        ({"A" * 51: "b"}, "filterValues has the key 'AAA"),
        ({"A": "b" * 999}, "The value of 'A' has 1,001 characters. Expected at most 1000."),
        ({f"A{n}": "b" for n in range(26)}, "filterValues has 26 entries. Expected at most 25."),
    ],
)
def test_wrong_filter_values_are_refused(values: object, message: str) -> None:
    assert refusal({**FILTERED, "filterValues": values}).startswith(message)


def test_filter_values_without_a_filter_are_refused_and_none_at_all_are_not() -> None:
    assert refusal({"filterValues": {"A": "b"}}).startswith("filterValues is given without filter.")
    assert parse_options({"filterValues": "{}"}) == Options()


# -- context ---------------------------------------------------------------------------------------


def test_context_values_become_text() -> None:
    given = {"DEVICE": "phone", "HOUR": 7, "NEW": True, "OLD": False, "RATE": Decimal("1.5")}
    expected = {"DEVICE": "phone", "HOUR": "7", "NEW": "true", "OLD": "false", "RATE": "1.5"}
    assert dict(parse_options({"context": given}).context) == expected


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"A": {}}, "context.A has a value of type object. Expected text or a number."),
        ("7", "context has a value of type number. Expected a JSON object of names and values."),
        ({f"A{n}": "b" for n in range(151)}, "context has 151 entries. Expected at most 150."),
        ({"A": "b" * 1_001}, "The value of 'A' has 1,001 characters."),
    ],
)
def test_a_wrong_context_is_refused(context: object, message: str) -> None:
    assert refusal({"context": context}).startswith(message)
