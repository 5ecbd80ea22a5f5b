"""How a text of a policy matches a text of a request: wildcards and policy variables.

`*` is any run of characters, `/` and `:` included, `?` one character. In documents of version
2012-10-17 `${key}` is the value of a condition key, `${key, 'text'}` has a default, and `${*}`,
`${?}` and `${$}` are the characters themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from recdrop.local.iam.policy import Values

VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
LITERALS = ("*", "?", "$")


@dataclass(frozen=True)
class Scope:
    """The request's condition keys, whose names have no case, and whether `${...}` is read."""

    context: Mapping[str, Values]
    variables: bool

    def value(self, key: str) -> str | None:
        """The single value of a key. A key of several values cannot be a variable."""
        value = self.context.get(key.lower())
        return value if isinstance(value, str) else None


def matches(pattern: str, text: str, scope: Scope, *, any_case: bool = False) -> bool:
    """Whether a pattern with wildcards matches a whole text."""
    parts = resolve(pattern, scope)
    if parts is None:
        return False
    return wildcards(parts, any_case).fullmatch(text) is not None


def equals(expected: str, text: str, scope: Scope) -> bool:
    """Whether a text without wildcards is this one. `*` and `?` are themselves here."""
    parts = resolve(expected, scope)
    return parts is not None and "".join(part for part, _ in parts) == text


def plain(expected: str, scope: Scope) -> str | None:
    """The text with its variables filled in; None when one of them has no value."""
    parts = resolve(expected, scope)
    return None if parts is None else "".join(part for part, _ in parts)


def resolve(pattern: str, scope: Scope) -> tuple[tuple[str, bool], ...] | None:
    """The pattern in parts, each with whether it stands for itself (a variable's value does).

    None when a variable has no value: then the pattern matches nothing.
    """
    if not scope.variables or "${" not in pattern:
        return ((pattern, False),)
    parts: list[tuple[str, bool]] = []
    end = 0
    for found in VARIABLE.finditer(pattern):
        parts.append((pattern[end : found.start()], False))
        end = found.end()
        name, default = found.groups()
        value = name if name in LITERALS else scope.value(name)
        if value is None:
            value = default
        if value is None:
            return None
        parts.append((value, True))
    parts.append((pattern[end:], False))
    return tuple(parts)


@lru_cache(maxsize=4096)
def wildcards(parts: tuple[tuple[str, bool], ...], any_case: bool) -> re.Pattern[str]:
    """The regular expression of a pattern in parts."""
    wild = {"*": ".*", "?": "."}
    text = "".join(
        re.escape(part)
        if literal
        else "".join(wild.get(character) or re.escape(character) for character in part)
        for part, literal in parts
    )
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else 0))
