"""The Condition element: operators are all needed, so are the keys of one; of values, any.

A key that the request has not makes a positive operator false and a negated one true; `IfExists`
is then true. `ForAllValues:` holds for no value at all, `ForAnyValue:` does not.
An operator that is not known here raises: to ignore it would allow or deny by accident.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from recdrop.local.iam import patterns
from recdrop.local.iam.patterns import Scope
from recdrop.local.iam.policy import PolicyError

Test = Callable[[str, str, Scope], bool]
ARN_PARTS = 6
# Not the colon of a variable's name: ${aws:username}.
COLON = re.compile(r":(?![^{}]*\})")


@dataclass(frozen=True)
class Operator:
    """An operator by its parts: `ForAllValues:` `StringNotLike` `IfExists`."""

    test: Test
    negated: bool
    quantifier: str
    if_exists: bool


def hold(condition: Mapping[str, Mapping[str, Sequence[str]]], scope: Scope) -> bool:
    """Whether a whole Condition element is true for a request.

    Raises:
        PolicyError: an operator is unknown, or a value is not of the operator's type.
    """
    # Not `all(...)` at once: an unknown operator behind a false one must raise too.
    answers = [
        holds(name, key, expected, scope)
        for name, keys in condition.items()
        for key, expected in keys.items()
    ]
    return all(answers)


def holds(name: str, key: str, expected: Sequence[str], scope: Scope) -> bool:
    """Whether one operator is true for one key."""
    given = scope.context.get(key.lower())
    values = [given] if isinstance(given, str) else list(given or ())
    if name == "Null":
        return any((one == "true") == (not values) for one in expected)
    asked = read_operator(name)
    if not values:
        return absent(asked)

    def satisfied(value: str) -> bool:
        return asked.negated != any(asked.test(one, value, scope) for one in expected)

    if asked.quantifier == "ForAllValues" or (asked.negated and not asked.quantifier):
        return all(satisfied(value) for value in values)
    return any(satisfied(value) for value in values)


def absent(asked: Operator) -> bool:
    """What an operator says when the request has no such key."""
    if asked.if_exists or asked.quantifier == "ForAllValues":
        return True
    return asked.negated and not asked.quantifier


def read_operator(name: str) -> Operator:
    """An operator from its name in a policy.

    Raises:
        PolicyError: there is no such operator here.
    """
    quantifier, _, rest = name.rpartition(":")
    base = rest.removesuffix("IfExists")
    positive = base.replace("Not", "", 1)
    negated = positive != base
    known = base in TESTS or (negated and positive in NEGATABLE)
    if quantifier not in ("", "ForAllValues", "ForAnyValue") or not known:
        raise PolicyError(
            f"Condition operator {name!r} is not evaluated here."
            f" Expected one of {sorted(TESTS)}, or a negated one."
        )
    return Operator(TESTS[positive], negated, quantifier, rest != base)


def string_equals(expected: str, value: str, scope: Scope) -> bool:
    """The same text, with the same case; wildcards are characters."""
    return patterns.equals(expected, value, scope)


def string_equals_ignore_case(expected: str, value: str, scope: Scope) -> bool:
    """The same text in any case."""
    text = patterns.plain(expected, scope)
    return text is not None and text.casefold() == value.casefold()


def string_like(expected: str, value: str, scope: Scope) -> bool:
    """A pattern with wildcards, case-sensitive."""
    return patterns.matches(expected, value, scope)


def arn_like(expected: str, value: str, scope: Scope) -> bool:
    """An ARN, compared part by part: a `*` of one part does not reach into the next.

    ArnEquals is the same operator. The last part is all that comes after the fifth colon.
    """
    ours = COLON.split(expected, maxsplit=ARN_PARTS - 1)
    theirs = value.split(":", ARN_PARTS - 1)
    if len(ours) != ARN_PARTS or len(theirs) != ARN_PARTS:
        return False
    return all(patterns.matches(one, other, scope) for one, other in zip(ours, theirs, strict=True))


def boolean(expected: str, value: str, scope: Scope) -> bool:
    """ "true" or "false"."""
    text = patterns.plain(expected, scope)
    return text is not None and text.lower() == value.lower()


def ip_address(expected: str, value: str, _scope: Scope) -> bool:
    """An address in a block (CIDR). A text that is no address is in none.

    Raises:
        PolicyError: the policy's value is no block of addresses.
    """
    try:
        block = ipaddress.ip_network(expected, strict=False)
    except ValueError as error:
        raise PolicyError(
            f"IpAddress has value {expected!r}. Expected a block such as '10.0.0.0/8'."
        ) from error
    try:
        return ipaddress.ip_address(value) in block
    except ValueError:
        return False


def comparing(compare: Callable[[Any, Any], bool], read: Callable[[str], Any]) -> Test:
    """A test that reads both sides as numbers or times, and compares the request's with ours."""

    def test(expected: str, value: str, scope: Scope) -> bool:
        text = patterns.plain(expected, scope)
        if text is None:
            return False
        limit = read(text)
        if limit is None:
            raise PolicyError(f"A condition has value {expected!r}. Expected a number or a time.")
        found = read(value)
        return found is not None and compare(found, limit)

    return test


def number(text: str) -> Decimal | None:
    """A number, or None."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def time(text: str) -> datetime | None:
    """A time in ISO 8601 or in seconds since 1970, or None."""
    seconds = number(text)
    if seconds is not None:
        return datetime.fromtimestamp(float(seconds), UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


COMPARISONS = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
TESTS: Mapping[str, Test] = {
    "StringEquals": string_equals,
    "StringEqualsIgnoreCase": string_equals_ignore_case,
    "StringLike": string_like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": boolean,
    "IpAddress": ip_address,
    **{f"Numeric{name}": comparing(compare, number) for name, compare in COMPARISONS.items()},
    **{f"Date{name}": comparing(compare, time) for name, compare in COMPARISONS.items()},
}
# NotIpAddress, StringNotEquals, ...: there is no NotBool, and no NumericNotLessThan.
NEGATABLE = {
    "StringEquals",
    "StringEqualsIgnoreCase",
    "StringLike",
    "ArnEquals",
    "ArnLike",
    "IpAddress",
    "NumericEquals",
    "DateEquals",
}
