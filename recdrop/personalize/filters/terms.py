"""What a filter expression consists of, as frozen data that writes itself back as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from recdrop.personalize.filters.caret import point

EVENTS = ("Interactions", "Action_Interactions")


class FilterError(ValueError):
    """An expression, or a value for its placeholder, is wrong.

    `column` is the 1-based place in the expression; None when a value is wrong.
    """

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Term:
    """One operand of a condition.

    A quoted string, a number, a $placeholder, the star, or a field of the current item.
    """

    kind: Literal["string", "number", "placeholder", "star", "field"]
    text: str
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return {"string": f'"{self.text}"', "placeholder": f"${self.text}"}.get(
            self.kind, self.text
        )


@dataclass(frozen=True)
class Condition:
    dataset: str
    name: str
    operator: str
    terms: tuple[Term, ...]
    column: int = field(default=0, compare=False)

    def __str__(self) -> str:
        terms = ", ".join(map(str, self.terms))
        is_list = self.operator in ("IN", "NOT IN") and self.terms[0].kind != "field"
        return f"{self.dataset}.{self.name} {self.operator} {f'({terms})' if is_list else terms}"


@dataclass(frozen=True)
class Expression:
    """`any_of` is an OR of ANDs; `only_if` an AND over the current user."""

    verb: Literal["INCLUDE", "EXCLUDE"]
    target: str
    any_of: tuple[tuple[Condition, ...], ...]
    only_if: tuple[Condition, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(condition for group in self.any_of for condition in group)

    @cached_property
    def parameters(self) -> frozenset[str]:
        terms = (
            term for condition in (*self.conditions, *self.only_if) for term in condition.terms
        )
        return frozenset(term.text for term in terms if term.kind == "placeholder")

    def __str__(self) -> str:
        where = " OR ".join(" AND ".join(map(str, group)) for group in self.any_of)
        only_if = f" IF {' AND '.join(map(str, self.only_if))}" if self.only_if else ""
        return f"{self.verb} {self.target} WHERE {where}{only_if}"


def invalid(text: str, column: int, reason: str) -> FilterError:
    """The refusal of `text`, in the service's words, with a caret under `column`."""
    return FilterError(
        f"Could not create filter. Invalid Expression: {reason}.\n{point(text, column)}", column
    )


def one_of(words: Iterable[str]) -> str:
    return ", ".join(words)
