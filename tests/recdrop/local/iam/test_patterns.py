"""Wildcards against the plainest matcher that can be written."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from recdrop.local.iam.patterns import Scope, equals, matches

NOTHING = Scope({}, variables=True)


def plainly(pattern: str, text: str) -> bool:
    """The definition: what * and ? stand for, one character at a time."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return plainly(pattern[1:], text) or (bool(text) and plainly(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and plainly(pattern[1:], text[1:])


@given(st.text("ab/:.*?\n", max_size=6), st.text("ab/:.*?\n", max_size=8))
@example("a.b", "aXb")
@example("[ab]", "a")
@example("a*", "a/b:c\nd")
def test_wildcards_match_as_they_are_defined(pattern: str, text: str) -> None:
    assert matches(pattern, text, NOTHING) == plainly(pattern, text)


@given(st.text("ab*?${}", max_size=8))
def test_the_value_of_a_variable_stands_for_itself(value: str) -> None:
    scope = Scope({"aws:username": value}, variables=True)
    assert matches("x/${aws:username}/*", f"x/{value}/y", scope)
    assert equals("${aws:username}", value, scope)
    assert matches("${aws:username}", "ab", scope) == (value == "ab")
