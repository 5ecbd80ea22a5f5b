from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from recdrop.personalize.data.schemas import DatasetSchema, Field
from recdrop.personalize.filters.expressions import Filter, parse
from recdrop.personalize.filters.masks import Catalogue, FilterContext
from recdrop.personalize.filters.terms import Condition, Expression, FilterError, Term

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("cases").joinpath("expressions.json").read_text()
)

SCHEMAS = {
    "ITEMS": DatasetSchema(
        "ITEMS",
        (
            Field("ITEM_ID", "string"),
            Field("GENRES", "string", categorical=True),
            Field("PRICE", "float", nullable=True),
            Field("ADULT", "boolean"),
            Field("PLOT", "string", textual=True),
        ),
    ),
    "USERS": DatasetSchema(
        "USERS", (Field("USER_ID", "string"), Field("AGE", "int"), Field("TIER", "string"))
    ),
    "INTERACTIONS": DatasetSchema(
        "INTERACTIONS", (Field("ITEM_ID", "string"), Field("EVENT_TYPE", "string"))
    ),
}


def films() -> Catalogue:
    genres = np.array(["Comedy", "Comedy|Drama", "Drama", None, "comedy"], dtype=object)
    return Catalogue({"GENRES": genres, "PRICE": np.array([1.0, 2.0, 3.0, np.nan, 5.0])}, 5)


def allowed(expression: str, values: dict[str, str] | None = None, **context: Any) -> list[int]:
    mask = parse(expression).mask(FilterContext(films(), **context), values)
    assert mask.dtype == np.bool_
    return np.flatnonzero(mask).tolist()


@pytest.mark.parametrize("case", CASES["parse"], ids=lambda case: case["it"])
def test_an_expression_is_read(case: dict[str, Any]) -> None:
    assert str(parse(case["expression"])) == case.get("means", case["expression"])


@pytest.mark.parametrize("case", CASES["refuse"], ids=lambda case: case["it"])
def test_an_expression_is_refused_with_a_caret_under_its_column(case: dict[str, Any]) -> None:
    with pytest.raises(FilterError) as caught:
        parse(case["expression"])
    assert str(caught.value).startswith(case["message"])
    assert caught.value.column == case["column"]
    shown, caret = str(caught.value).splitlines()[-2:]
    assert caret.strip() == "^"
    pointed_at = shown[len(caret) - 1 : len(caret)]
    assert pointed_at == case["expression"][case["column"] - 1 : case["column"]]


def test_a_long_expression_shows_only_the_part_around_the_caret() -> None:
    long = "INCLUDE ItemID WHERE Items.A IN (" + ", ".join(['"abcdefgh"'] * 100) + ", oops)"
    with pytest.raises(FilterError) as caught:
        parse(long)
    shown, caret = str(caught.value).splitlines()[-2:]
    assert len(shown) < 130
    assert shown[caret.index("^") :].startswith("oops")


def test_an_expression_has_at_most_2500_characters() -> None:
    text = 'INCLUDE ItemID WHERE Items.A IN ("%s")'
    assert parse(text % ("x" * (2502 - len(text))))
    with pytest.raises(FilterError, match="it has 2501 characters"):
        parse(text % ("x" * (2503 - len(text))))


def test_a_filter_uses_at_most_ten_fields() -> None:
    conditions = [f"Items.F{n} = 1" for n in range(11)]
    assert len(parse("INCLUDE ItemID WHERE " + " AND ".join(conditions[:10])).fields) == 10
    with pytest.raises(FilterError, match="11 distinct fields"):
        parse("INCLUDE ItemID WHERE " + " AND ".join(conditions))


def test_mixed_and_or_binds_and_first_when_not_strict() -> None:
    mixed = parse(
        "INCLUDE ItemID WHERE Items.PRICE = 1 OR Items.PRICE > 1 AND Items.PRICE < 3", strict=False
    )
    assert np.flatnonzero(mixed.mask(FilterContext(films()))).tolist() == [0, 1]


def test_parameters_are_the_placeholders_of_every_expression() -> None:
    both = parse(
        "INCLUDE ItemID WHERE Items.A IN ($a) IF CurrentUser.B = $b | EXCLUDE ItemID WHERE Items.C < $C"
    )
    assert both.parameters == {"a", "b", "C"}


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ('INCLUDE ItemID WHERE Items.GENRES IN ("Drama")', [1, 2]),
        ('EXCLUDE ItemID WHERE Items.GENRES IN ("Drama")', [0, 3, 4]),
        ('INCLUDE ItemID WHERE Items.GENRES NOT IN ("Drama")', [0, 3, 4]),
        ('INCLUDE ItemID WHERE Items.GENRES IN ("Comedy|Drama")', []),
        ("INCLUDE ItemID WHERE Items.PRICE < 3", [0, 1]),
        ("INCLUDE ItemID WHERE Items.PRICE != 3", [0, 1, 4]),
        ("EXCLUDE ItemID WHERE Items.PRICE >= 3", [0, 1, 3]),
        ('INCLUDE ItemID WHERE Items.GENRES IN ("Drama") AND Items.PRICE > 2', [2]),
        ('INCLUDE ItemID WHERE Items.GENRES IN ("Drama") OR Items.PRICE = 5', [1, 2, 4]),
        (
            'INCLUDE ItemID WHERE Items.GENRES IN ("Drama") | INCLUDE ItemID WHERE Items.PRICE = 1',
            [0, 1, 2],
        ),
        (
            'EXCLUDE ItemID WHERE Items.GENRES IN ("Drama") | INCLUDE ItemID WHERE Items.PRICE < 4',
            [0],
        ),
        (
            'INCLUDE ItemID WHERE Items.PRICE < 4 | EXCLUDE ItemID WHERE Items.GENRES IN ("Drama")',
            [0],
        ),
        ('INCLUDE ItemID WHERE Items.GENRES IN ("nothing")', []),
        ("INCLUDE ItemID WHERE Items.ABSENT = 1", []),
    ],
)
def test_a_filter_lets_these_films_through(expression: str, rows: list[int]) -> None:
    assert allowed(expression) == rows


def test_only_event_types_ignore_case() -> None:
    events = {"Click": np.array([0, 1]), "watch": np.array([2])}
    assert allowed('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("cLICK")', events=events) == [
        0,
        1,
    ]
    assert allowed('INCLUDE ItemID WHERE Items.GENRES IN ("COMEDY")', events=events) == []


def test_the_star_means_any_event() -> None:
    events = {"Click": np.array([0, 1]), "watch": np.array([1, 2])}
    assert allowed('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', events=events) == [3, 4]
    assert allowed(
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("click")', events=events
    ) == [0, 3, 4]


def test_only_the_last_100_events_of_a_type_count() -> None:
    events = {"click": np.array([0] + [1] * 100)}
    assert allowed('INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")', events=events) == [
        1
    ]


def test_every_user_of_a_segment_counts() -> None:
    users = FilterContext(Catalogue({}, 300), events={"click": np.arange(250)})
    assert (
        parse('INCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("click")').mask(users).sum() == 250
    )


@pytest.mark.parametrize(
    ("user", "rows"),
    [
        ({"AGE": 20.0}, [2, 3, 4]),
        ({"AGE": 18.0}, [0, 1, 2, 3, 4]),
        ({"AGE": None}, [0, 1, 2, 3, 4]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_if_asks_the_current_user(user: dict[str, float | None], rows: list[int]) -> None:
    expression = (
        "EXCLUDE ItemID WHERE Items.PRICE < 3 IF CurrentUser.AGE > 18 AND CurrentUser.AGE < 30"
    )
    assert allowed(expression, user=user) == rows


def test_if_compares_text_of_the_current_user() -> None:
    expression = "INCLUDE ItemID WHERE Items.PRICE < 3 IF CurrentUser.TIER = $TIER"
    assert allowed(expression, {"TIER": '"gold"'}, user={"TIER": "gold"}) == [0, 1]
    assert allowed(expression, {"TIER": "silver"}, user={"TIER": "gold"}) == [0, 1, 2, 3, 4]
    unequal = 'INCLUDE ItemID WHERE Items.PRICE < 3 IF CurrentUser.TIER != "gold"'
    assert allowed(unequal, user={"TIER": "silver"}) == [0, 1]
    assert allowed(unequal, user={"TIER": None}) == [0, 1, 2, 3, 4]


def test_the_current_item_gives_its_values() -> None:
    expression = "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.GENRES IN CurrentItem.GENRES"
    assert allowed(expression, current_item={"PRICE": 3.0, "GENRES": "Drama|Horror"}) == [1]
    assert allowed(expression, current_item={"PRICE": None, "GENRES": "Drama"}) == []
    assert allowed(expression) == []


def test_values_travel_as_quoted_lists() -> None:
    expression = "INCLUDE ItemID WHERE Items.GENRES IN ($GENRE) AND Items.PRICE < $PRICE"
    assert allowed(expression, {"GENRE": '"Comedy","Drama"', "PRICE": "3"}) == [0, 1]
    assert allowed(expression, {"GENRE": ' "Drama" , "x" ', "PRICE": '"2.5"'}) == [1]


@pytest.mark.parametrize("raw", ["Comedy", '"Comedy', '"a"b"', '"a" "b"', '"a",', ""])
def test_a_misshapen_list_is_refused(raw: str) -> None:
    with pytest.raises(FilterError, match=r"Expected strings in double quotes") as caught:
        allowed("INCLUDE ItemID WHERE Items.GENRES IN ($GENRE)", {"GENRE": raw})
    assert repr(raw) in str(caught.value)
    assert caught.value.column is None


@pytest.mark.parametrize("raw", ["cheap", "nan", "inf", '"1","2"', '1"', ""])
def test_a_value_that_is_no_number_is_refused(raw: str) -> None:
    with pytest.raises(FilterError, match="Invalid filter value"):
        allowed("INCLUDE ItemID WHERE Items.PRICE < $PRICE", {"PRICE": raw})


def test_include_needs_every_value_and_exclude_goes_without() -> None:
    with pytest.raises(FilterError, match=r"Missing filter values for \$A, \$B"):
        allowed("INCLUDE ItemID WHERE Items.GENRES IN ($A, $B)")
    skipped = (
        'EXCLUDE ItemID WHERE Items.GENRES IN ($A) | EXCLUDE ItemID WHERE Items.GENRES IN ("Drama")'
    )
    assert allowed(skipped) == [0, 3, 4]


def test_a_value_nobody_asked_for_is_refused() -> None:
    with pytest.raises(FilterError, match=r"'genre'. Parameters of this filter: GENRE"):
        allowed("EXCLUDE ItemID WHERE Items.GENRES IN ($GENRE)", {"genre": '"Drama"'})


@pytest.mark.parametrize(
    ("expression", "column", "message"),
    [
        (
            'INCLUDE ItemID WHERE Items.genres IN ("x")',
            22,
            "'genres' is no field of the ITEMS schema",
        ),
        ('INCLUDE ItemID WHERE Items.PLOT IN ("x")', 22, "PLOT is textual"),
        ('INCLUDE ItemID WHERE Items.ADULT IN ("true")', 22, "ADULT is boolean"),
        ('INCLUDE ItemID WHERE Items.PRICE IN ("1")', 22, "IN compares strings"),
        ("INCLUDE ItemID WHERE Items.GENRES < 3", 22, "< compares numbers"),
        (
            "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.GENRES",
            36,
            "CurrentItem.GENRES has type string",
        ),
        ("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.COST", 36, "'COST' is no field"),
        (
            "INCLUDE ItemID WHERE Items.PRICE < 3 IF CurrentUser.SEX = 1",
            41,
            "'SEX' is no field of the USERS schema",
        ),
        (
            "INCLUDE ActionID WHERE Actions.VALUE < 3",
            24,
            "the dataset group has no ACTIONS dataset",
        ),
    ],
)
def test_a_field_the_schemas_do_not_allow_is_refused(
    expression: str, column: int, message: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(expression).check(SCHEMAS)
    assert message in str(caught.value)
    assert str(caught.value).startswith("Could not create filter. Invalid Expression: ")
    assert caught.value.column == column


def test_the_schemas_of_the_guide_allow_its_examples() -> None:
    parse('EXCLUDE ItemID WHERE Items.GENRES IN ($G) IF CurrentUser.TIER = "x"').check(SCHEMAS)
    parse('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")').check(SCHEMAS)
    parse("INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE").check(SCHEMAS)


def test_a_catalogue_needs_columns_of_one_length() -> None:
    with pytest.raises(ValueError, match="Expected 3 in each"):
        Catalogue({"A": np.zeros(2)}, 3)


# -- what is written is read back, and a mask says what a row-by-row reading says

NAMES = ("GENRES", "BRAND")
NUMBERS = ("PRICE", "YEAR")
WORDS = st.sampled_from(["a", "b", "c", "A", ""])
NUMERALS = st.sampled_from(["0", "1", "2", "-1", "1.5"])
LISTS = st.lists(
    WORDS.map(lambda word: Term("string", word)) | st.just(Term("placeholder", "word")),
    min_size=1,
    max_size=3,
)
OPERANDS = NUMERALS.map(lambda numeral: Term("number", numeral)) | st.just(
    Term("placeholder", "number")
)
COMPARISONS = st.sampled_from(["=", "<", "<=", ">", ">=", "!="])


def conditions(dataset: str) -> st.SearchStrategy[Condition]:
    words = st.lists(WORDS.map(lambda word: Term("string", word)), min_size=1, max_size=3)
    is_in = st.builds(
        Condition, st.just(dataset), st.sampled_from(NAMES), st.just("IN"), LISTS.map(tuple)
    )
    is_not_in = st.builds(
        Condition, st.just(dataset), st.sampled_from(NAMES), st.just("NOT IN"), words.map(tuple)
    )
    compares = st.builds(
        Condition, st.just(dataset), st.sampled_from(NUMBERS), COMPARISONS, st.tuples(OPERANDS)
    )
    if dataset != "Items":
        return is_in | is_not_in | compares
    like = st.sampled_from(NAMES).map(
        lambda name: Condition("Items", name, "IN", (Term("field", f"CurrentItem.{name}"),)),
    )
    nearby = st.builds(
        lambda name, operator: Condition(
            "Items", name, operator, (Term("field", f"CurrentItem.{name}"),)
        ),
        st.sampled_from(NUMBERS),
        COMPARISONS,
    )
    return is_in | is_not_in | compares | like | nearby


EVENT_CONDITIONS = st.one_of(
    st.just(Condition("Interactions", "EVENT_TYPE", "IN", (Term("star", "*"),))),
    st.builds(
        Condition, st.just("Interactions"), st.just("EVENT_TYPE"), st.just("IN"), LISTS.map(tuple)
    ),
    st.builds(
        Condition,
        st.just("Interactions"),
        st.just("EVENT_TYPE"),
        st.just("NOT IN"),
        st.lists(WORDS.map(lambda word: Term("string", word)), min_size=1, max_size=2).map(tuple),
    ),
)


def chains(
    one: st.SearchStrategy[Condition],
) -> st.SearchStrategy[tuple[tuple[Condition, ...], ...]]:
    several = st.lists(one, min_size=1, max_size=3)
    return several.map(lambda all_of: (tuple(all_of),)) | several.map(
        lambda any_of: tuple((each,) for each in any_of)
    )


EXPRESSIONS = st.builds(
    Expression,
    st.sampled_from(["INCLUDE", "EXCLUDE"]),
    st.just("ItemID"),
    chains(conditions("Items")) | chains(EVENT_CONDITIONS),
    st.lists(conditions("CurrentUser"), max_size=2).map(tuple),
)
FILTERS = st.lists(EXPRESSIONS, min_size=1, max_size=3).map(tuple)
TEXTS = st.none() | st.lists(WORDS, max_size=3).map("|".join)
AMOUNTS = st.sampled_from([float("nan"), -1.0, 0.0, 1.0, 1.5, 2.0])
ROWS = st.fixed_dictionaries(dict.fromkeys(NAMES, TEXTS) | dict.fromkeys(NUMBERS, AMOUNTS))
EVENTS = st.dictionaries(
    st.sampled_from(["a", "B", "c"]), st.lists(st.integers(0, 4), max_size=4), max_size=3
)
VALUES = st.fixed_dictionaries(
    {"word": st.sampled_from(['"a"', '"b", "A"']), "number": st.sampled_from(["1", '"1.5"'])}
)

Row = dict[str, Any]


@settings(max_examples=60, deadline=None)
@given(FILTERS)
def test_what_is_written_is_read_back(expressions: tuple[Expression, ...]) -> None:
    assert parse(" | ".join(map(str, expressions))).expressions == expressions


@settings(max_examples=60, deadline=None)
@given(FILTERS, st.lists(ROWS, min_size=5, max_size=5), ROWS, st.none() | ROWS, EVENTS, VALUES)
def test_a_mask_is_what_reading_row_by_row_gives(
    expressions: tuple[Expression, ...],
    items: list[Row],
    user: Row,
    current: Row | None,
    events: dict[str, list[int]],
    values: dict[str, str],
) -> None:
    parsed = Filter("", expressions)
    columns = {name: np.array([row[name] for row in items], dtype=object) for name in NAMES}
    columns |= {name: np.array([row[name] for row in items], dtype=float) for name in NUMBERS}
    context = FilterContext(
        Catalogue(columns, 5),
        user,
        {kind: np.array(rows, dtype=int) for kind, rows in events.items()},
        current,
    )
    given_values = {name: value for name, value in values.items() if name in parsed.parameters}
    by_row = NaiveFilter(expressions, user, current or {}, events, values)
    assert parsed.mask(context, given_values).tolist() == [
        by_row.allows(number, row) for number, row in enumerate(items)
    ]


@dataclass(frozen=True)
class NaiveFilter:
    """The semantics spelled out for one row at a time."""

    expressions: tuple[Expression, ...]
    user: Row
    current: Row
    events: dict[str, list[int]]
    values: dict[str, str]

    def allows(self, number: int, item: Row) -> bool:
        applicable = [
            each
            for each in self.expressions
            if all(self.holds(test, 0, self.user) for test in each.only_if)
        ]
        included = [each for each in applicable if each.verb == "INCLUDE"]
        excluded = [each for each in applicable if each.verb == "EXCLUDE"]
        is_included = not included or any(self.speaks_of(each, number, item) for each in included)
        return is_included and not any(self.speaks_of(each, number, item) for each in excluded)

    def speaks_of(self, expression: Expression, number: int, item: Row) -> bool:
        return any(
            all(self.holds(test, number, item) for test in group) for group in expression.any_of
        )

    def holds(self, test: Condition, number: int, row: Row) -> bool:
        wanted = [word for term in test.terms for word in self.words(term)]
        if test.dataset == "Interactions":
            types = [kind for kind, rows in self.events.items() if number in rows]
            lowered = [word.lower() for word in wanted]
            if test.operator == "NOT IN":
                return any(kind.lower() not in lowered for kind in types)
            return any("*" in lowered or kind.lower() in lowered for kind in types)
        if test.operator in ("IN", "NOT IN"):
            has_one = any(word in wanted for word in (row[test.name] or "").split("|") if word)
            return has_one == (test.operator == "IN")
        if not wanted or row[test.name] != row[test.name]:
            return False
        left, right = row[test.name], float(wanted[0])
        tests = {
            "=": left == right,
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
        }
        return bool(tests.get(test.operator, left != right))

    def words(self, term: Term) -> list[str]:
        if term.kind == "placeholder":
            return [word.strip(' "') for word in self.values[term.text].split(",")]
        if term.kind != "field":
            return [term.text]
        value = self.current.get(term.text.partition(".")[2])
        if isinstance(value, str):
            return value.split("|")
        return [] if value is None or value != value else [str(value)]


SIGNS = ["(", ")", "|", "*", ",", "=", "<=", "1", '"x"', "$p", '"', "\n", "é", "\x00"]
WORDS_OF_GRAMMAR = (
    "INCLUDE EXCLUDE ItemID UserID WHERE IN NOT AND OR IF "
    "Items.A Interactions.EVENT_TYPE CurrentUser.B CurrentItem.C"
)
PIECES = st.sampled_from(SIGNS) | st.sampled_from(WORDS_OF_GRAMMAR.split()).map(
    lambda word: f"{word} "
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join) | st.text(min_size=1, max_size=40))
def test_any_text_is_read_or_refused_with_its_column(text: str) -> None:
    assume(text)
    message, column = read_or_refuse(text)
    assert message == "" or message.startswith("Could not create filter. Invalid ")
    assert 1 <= column <= len(text) + 1


def read_or_refuse(text: str) -> tuple[str, int]:
    """The refusal and its column; no message when the text is a filter that reads back as itself."""
    try:
        parsed = parse(text, strict=False)
    except FilterError as error:
        return str(error), error.column or 0
    return "" if parse(
        str(parsed), strict=False
    ).expressions == parsed.expressions else f"{parsed} reads back otherwise", 1
