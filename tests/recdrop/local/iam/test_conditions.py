"""What holds for all operators and all values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recdrop.local.iam import conditions
from recdrop.local.iam.conditions import NEGATABLE, TESTS
from recdrop.local.iam.patterns import Scope

POLICY_VALUES = {"Ip": "10.0.0.0/8", "Arn": "arn:aws:sns:*:1:a*", "Num": "5", "Dat": "2026-01-01"}
REQUEST_VALUES = ("10.1.1.1", "11.1.1.1", "arn:aws:sns:r:1:a", "5", "6", "2026-01-01", "true", "*")


def expected_value(operator: str) -> str:
    return POLICY_VALUES.get(operator.removeprefix("Not")[:3].replace("IpA", "Ip"), "a*")


def holds(operator: str, expected: str, *values: str) -> bool:
    context = {"k": values[0] if len(values) == 1 else values} if values else {}
    return conditions.hold({operator: {"K": [expected]}}, Scope(context, variables=True))


def negation(operator: str) -> str:
    if operator == "IpAddress":
        return "NotIpAddress"
    kind = next(one for one in ("String", "Arn", "Numeric", "Date") if operator.startswith(one))
    return f"{kind}Not{operator.removeprefix(kind)}"


@pytest.mark.parametrize("operator", sorted(NEGATABLE))
@pytest.mark.parametrize("value", REQUEST_VALUES)
def test_a_negated_operator_says_the_opposite(operator: str, value: str) -> None:
    expected = expected_value(operator)
    assert holds(operator, expected, value) != holds(negation(operator), expected, value)


@pytest.mark.parametrize("operator", sorted(TESTS))
def test_without_the_key_only_the_negated_and_the_lenient_hold(operator: str) -> None:
    expected = expected_value(operator)
    assert not holds(operator, expected)
    assert holds(f"{operator}IfExists", expected)
    assert holds(f"ForAllValues:{operator}", expected)
    assert not holds(f"ForAnyValue:{operator}", expected)
    if operator in NEGATABLE:
        assert holds(negation(operator), expected)


@pytest.mark.parametrize("operator", sorted(TESTS))
@pytest.mark.parametrize("value", REQUEST_VALUES)
def test_if_exists_changes_nothing_where_the_key_is_there(operator: str, value: str) -> None:
    expected = expected_value(operator)
    assert holds(operator, expected, value) == holds(f"{operator}IfExists", expected, value)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1), st.sampled_from(["a", "b"]))
def test_all_is_none_of_the_opposite(values: list[str], expected: str) -> None:
    every = holds("ForAllValues:StringEquals", expected, *values)
    any_other = holds("ForAnyValue:StringNotEquals", expected, *values)
    assert every != any_other
