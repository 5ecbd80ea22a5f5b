"""From the text of a filter to its expressions.

The grammar is in filters.lark; here are the rules that a grammar cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from recdrop.personalize.filters.caret import point
from recdrop.personalize.filters.terms import (
    EVENTS,
    Condition,
    Expression,
    FilterError,
    Term,
    invalid,
    one_of,
)

MAX_PLACEHOLDER = 50
DATASETS = (
    "Items",
    "Interactions",
    "Users",
    "Actions",
    "Action_Interactions",
    "CurrentUser",
    "CurrentItem",
)
FILTERABLE = {
    "ItemID": ("Items", "Interactions"),
    "UserID": ("Users", "Interactions"),
    "ActionID": ("Actions", "Action_Interactions"),
}


def read(text: str, *, strict: bool) -> tuple[Expression, ...]:
    """The expressions of a filter; `strict` refuses AND mixed with OR, otherwise AND binds first.

    Raises:
        FilterError: the text breaks the grammar or a rule.
    """
    builder = _Builder(text, strict=strict)
    try:
        expressions: tuple[Expression, ...] = builder.transform(_grammar().parse(text))
    except VisitError as error:  # lark wraps what a method of the builder raises
        raise error.orig_exc from None
    except UnexpectedInput as error:
        raise _unexpected(text, error) from None
    _check_rules(text, expressions)
    return expressions


@cache
def _grammar() -> Lark:
    return Lark(
        Path(__file__).with_name("filters.lark").read_text(),
        parser="lalr",
        maybe_placeholders=False,
    )


class _Builder(Transformer[Token, Any]):
    """Turns lark's tree into expressions. Methods are named after the grammar's rules."""

    def __init__(self, text: str, *, strict: bool) -> None:
        super().__init__()
        self._text = text
        self._strict = strict

    def start(self, expressions: list[Expression]) -> tuple[Expression, ...]:
        return tuple(expressions)

    def expression(self, parts: list[Any]) -> Expression:
        verb, target, any_of, *only_if = parts
        return Expression(verb, target, any_of, only_if[0] if only_if else ())

    def verb(self, tokens: list[Token]) -> str:
        return tokens[0].upper()

    def target(self, tokens: list[Token]) -> str:
        return _canonical(tokens[0], FILTERABLE)

    def chain(self, parts: list[Any]) -> tuple[tuple[Condition, ...], ...]:
        # Conditions and connectors take turns: [condition, AND, condition, OR, condition].
        connectors: list[Token] = parts[1::2]
        mixed = next((token for token in connectors if token.type != connectors[0].type), None)
        if mixed is not None and self._strict:
            reason = (
                "AND and OR are mixed in one expression, and the service documents no precedence "
                'for them; split it into expressions joined with "|"'
            )
            raise invalid(self._text, _column(mixed), reason)
        groups: list[list[Condition]] = [[parts[0]]]
        for connector, condition in zip(connectors, parts[2::2], strict=True):
            if connector.type == "AND":
                groups[-1].append(condition)
            else:
                groups.append([condition])
        return tuple(map(tuple, groups))

    def user_chain(self, parts: list[Any]) -> tuple[Condition, ...]:
        conditions: list[Condition] = parts[::2]
        for condition in conditions:
            if condition.dataset != "CurrentUser":
                raise invalid(self._text, condition.column, "IF tests CurrentUser and nothing else")
        return tuple(conditions)

    def connector(self, tokens: list[Token]) -> Token:
        return tokens[0]

    def item(self, tokens: list[Token]) -> Term:
        return _term(tokens[0])

    def operand(self, children: list[Term | Token]) -> Term:
        child = children[0]
        return child if isinstance(child, Term) else self._current_item(child)

    def is_in(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], "IN", parts[1:])

    def is_in_field(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], "IN", [self._current_item(parts[1])])

    def is_not_in(self, parts: list[Any]) -> Condition:
        for term in parts[1:]:
            if term.kind == "placeholder":
                # The service's own text for this one, unlike that of other refusals.
                reason = (
                    f"Could not create filter. Invalid input symbol: ${term.text}. "
                    "Placeholders are not allowed with NOT_IN operator."
                )
                raise FilterError(f"{reason}\n{point(self._text, term.column)}", term.column)
        return self._condition(parts[0], "NOT IN", parts[1:])

    def compares(self, parts: list[Any]) -> Condition:
        return self._condition(parts[0], str(parts[1]), parts[2:])

    def _current_item(self, token: Token) -> Term:
        dataset, name = self._split(token)
        if dataset != "CurrentItem":
            raise invalid(
                self._text,
                _column(token),
                f"expected a value or CurrentItem.FIELD, found {str(token)!r}",
            )
        return Term("field", f"{dataset}.{name}", _column(token))

    def _condition(self, token: Token, operator: str, terms: list[Term]) -> Condition:
        dataset, name = self._split(token)
        if dataset in EVENTS:  # the service's own early examples write Interactions.event_type
            name = name.upper()
        return Condition(dataset, name, operator, tuple(terms), _column(token))

    def _split(self, token: Token) -> tuple[str, str]:
        dataset, _, name = token.partition(".")
        known = _canonical(dataset, DATASETS)
        if known not in DATASETS:
            raise invalid(
                self._text,
                _column(token),
                f"{dataset!r} is no dataset; expected {one_of(DATASETS)}",
            )
        return known, name


def _term(token: Token) -> Term:
    text, column = str(token), _column(token)
    if token.type == "STAR" or text == '"*"':
        return Term("star", "*", column)
    if token.type == "STRING":
        return Term("string", text[1:-1], column)
    if token.type == "NUMBER":
        return Term("number", text, column)
    return Term("placeholder", text[1:], column)


# -- rules the grammar cannot say


def _check_rules(text: str, expressions: tuple[Expression, ...]) -> None:
    target = expressions[0].target
    for expression in expressions:
        first = expression.conditions[0]
        if expression.target != target:
            raise invalid(
                text,
                first.column,
                f"expressions joined with | choose the same thing, here {target}",
            )
        for condition in expression.conditions:
            if condition.dataset not in FILTERABLE[target]:
                reason = f"{target} is filtered by {one_of(FILTERABLE[target])}, found {condition.dataset}"
                raise invalid(text, condition.column, reason)
            if condition.dataset != first.dataset:
                reason = (
                    f"conditions joined with AND or OR test one dataset, here {first.dataset}; "
                    f"put {condition.dataset} in an expression of its own after |"
                )
                raise invalid(text, condition.column, reason)
        for condition in (*expression.conditions, *expression.only_if):
            _check_condition(text, condition)


def _check_condition(text: str, condition: Condition) -> None:
    is_event = condition.dataset in EVENTS
    is_list = condition.operator in ("IN", "NOT IN")
    if is_event and (condition.name != "EVENT_TYPE" or not is_list):
        reason = f"{condition.dataset} can be tested by EVENT_TYPE IN or EVENT_TYPE NOT IN and nothing else"
        raise invalid(text, condition.column, reason)
    for term in condition.terms:
        if len(term.text) > MAX_PLACEHOLDER and term.kind == "placeholder":
            raise invalid(
                text, term.column, f"a placeholder has at most {MAX_PLACEHOLDER} characters"
            )
        if term.kind == "star" and not (is_event and condition.operator == "IN"):
            raise invalid(text, term.column, "* stands for any event type and nothing else")
        if term.kind == "field" and condition.dataset != "Items":
            raise invalid(text, term.column, "CurrentItem is compared with a field of Items")
        if is_list and term.kind == "number":
            raise invalid(text, term.column, f"{condition.operator} takes strings in double quotes")
        is_user_equality = condition.dataset == "CurrentUser" and condition.operator in ("=", "!=")
        if not is_list and term.kind == "string" and not is_user_equality:
            raise invalid(
                text, term.column, f"{condition.operator} compares numbers, use IN for strings"
            )


# -- errors

_WORDS = {
    "FIELD": "a field such as Items.GENRES",
    "STRING": "a string in double quotes",
    "NUMBER": "a number",
    "PLACEHOLDER": "a $PLACEHOLDER",
    "STAR": "*",
    "TARGET": "ItemID, UserID or ActionID",
    "COMPARISON": "=, !=, <, <=, > or >=",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "VBAR": "|",
    "$END": "the end",
    "_NOT_IN": "NOT IN",
}


def _unexpected(text: str, error: UnexpectedInput) -> FilterError:
    allowed: set[str] = set()
    if isinstance(error, UnexpectedToken):
        allowed = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        allowed = error.allowed or set()
    # The end of the text is a token of its own, whose position is that of the last one before it.
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    column = len(text) + 1 if at_end else (error.pos_in_stream or 0) + 1
    rest = text[column - 1 :]
    found = "the end" if at_end else repr((rest.split(maxsplit=1) or [rest])[0][:30])
    words = sorted(_WORDS.get(name, name.strip("_")) for name in allowed)
    return invalid(text, column, f"expected {one_of(words)}, found {found}")


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


def _canonical(word: str, known: Iterable[str]) -> str:
    """`word` as `known` writes it, whatever its case; itself when it is not known."""
    return next((name for name in known if name.lower() == word.lower()), word)
