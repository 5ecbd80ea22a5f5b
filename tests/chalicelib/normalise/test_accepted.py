"""Files of all kinds: none brings the normaliser down, what it accepts the service accepts, and ids
stay what they were, byte by byte.

`make test-slow` tries 5,000 files.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.normalise.bytes.dialect import UNTOLD, Told
from chalicelib.normalise.errors import FileRejected, SetRejected
from chalicelib.normalise.export.checking import check_set
from chalicelib.normalise.export.schemas import infer_schema
from chalicelib.normalise.export.shaping import shape_csv
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import normalise_file
from chalicelib.normalise.rows.rules import NUMBERS
from chalicelib.vocabulary.datasets import DOMAIN_NUMBERS
from recdrop.personalize.data.csvrules import check_csv, read_rows
from recdrop.personalize.data.schemas import parse_schema
from tests.chalicelib.normalise.house import NOW

PLAIN = 1050  # rows without anything odd in them: enough to import
FIRST = 1_700_000_000
Row = list[str | None]

# Texts that have broken something somewhere.
ODD = [
    "",
    " ",
    "NULL",
    "None",
    "nan",
    "n/a",
    "0",
    "007",
    "-0",
    "16.99",
    "1e39",
    "1e400",
    "1_000",
    "9223372036854775808999",
    "1234567890123456789",
    "20231114",
    "true",
    "a|b|c",
    '["a","b"]',
    '{"a": 1}',
    "x" * 256,
    "x" * 257,
    "y" * 1001,
    "|".join(["z"] * 600),
    "漢" * 8000,
    "w" * 20_001,
    "two\nlines",
    "tab\there",
    "a,b;c|d",
    'say "hi"',
    '"quoted"',
    "back\\slash",
    "ends\\",
    "\\N",
    "é",
    "e\u0301",
    "🛒",
    "\x00",
    "\u2028",
    "=1+1",
    "'",
]
texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text('ab,;|"\\\n \t:{}[]', max_size=8),
)
# No quotes, backslashes, delimiters, blanks or control characters.
id_letters = st.characters(
    min_codepoint=33,
    exclude_characters='"\\|,;',
    exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"],
)
plain_ids = st.text(id_letters, min_size=1, max_size=20)


@dataclass(frozen=True)
class Style:
    """How a tool writes CSV, and what the config has to say where the file cannot."""

    name: str
    delimiter: str = ","
    null: str = ""

    def write(self, cell: str | None) -> str:
        if cell is None:
            return self.null
        return getattr(self, f"_{self.name}")(cell)  # type: ignore[no-any-return]

    def _doubled(self, cell: str) -> str:
        if any(sign in cell for sign in (self.delimiter, '"', "\n", "\r")):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def _spark(self, cell: str) -> str:
        if any(sign in cell for sign in (self.delimiter, '"', "\n", "\r")):
            return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return cell

    def _snowflake(self, cell: str) -> str:
        for sign in ("\\", self.delimiter, "\n"):
            cell = cell.replace(sign, "\\" + sign)
        return cell

    @property
    def told(self) -> Told:
        escape = {"doubled": "double", "spark": "backslash-inside", "snowflake": "backslash"}
        quote = "none" if self.name == "snowflake" else '"'
        return Told(self.delimiter, quote, escape[self.name])


@dataclass(frozen=True, repr=False)
class Made:
    """A file as somebody might export it, and what is right about it."""

    dataset: str
    domain: str | None
    body: bytes
    told: Told
    odd: list[Row]
    written: frozenset[str]
    plain: frozenset[str]

    def __repr__(self) -> str:
        beginning = self.body[:300]
        return f"{self.dataset} of {self.domain}, {self.told}, {self.odd!r}, {beginning!r}"


COLUMNS = {
    "interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "DEVICE"),
    "items": (
        "ITEM_ID",
        "PRICE",
        "CATEGORY_L1",
        "GENRES",
        "TITLE",
        "PRODUCT_DESCRIPTION",
        "STOCK",
        "CREATION_TIMESTAMP",
    ),
}


@st.composite
def files(draw: st.DrawFn) -> Made:
    dataset = draw(st.sampled_from(sorted(COLUMNS)))
    domain = draw(st.sampled_from([None, "ECOMMERCE", "VIDEO_ON_DEMAND"]))
    columns = COLUMNS[dataset]
    plain = [_plain_row(dataset, n) for n in range(PLAIN if dataset == "interactions" else 40)]
    form = draw(st.sampled_from(["doubled", "doubled", "spark", "snowflake", "lines", "list"]))
    is_told = draw(st.booleans())
    odd = [
        _odd_row(draw, columns, form, is_told)
        for _ in range(draw(st.integers(min_value=0, max_value=8)))
    ]
    rows: list[Row] = [*plain]
    for row in odd:
        rows.insert(draw(st.integers(min_value=0, max_value=len(rows))), row)
    written = {cell for row in rows for cell in row if cell is not None}
    key = columns.index("ITEM_ID")
    told, body = _written(draw, form, is_told, columns, rows)
    return Made(
        dataset,
        domain,
        body,
        told,
        odd,
        frozenset(written),
        frozenset(str(row[key]) for row in plain),
    )


def _plain_row(dataset: str, n: int) -> Row:
    if dataset == "interactions":
        return [f"u{n % 60}", f"item {n % 40}", str(FIRST + n), "view", "1.5", "phone"]
    category = f"c{n % 5}"
    return [f"item {n}", "16.99", category, category, f"Title of {n}", f"Text {n}", "7", str(FIRST)]


def _odd_row(draw: st.DrawFn, columns: tuple[str, ...], form: str, is_told: bool) -> Row:
    # Where a file does not tell, a single backslash or quote in an id can be read in two ways.
    is_clear = form in ("lines", "list") or is_told
    row: Row = []
    for column in columns:
        if column.endswith("_ID"):
            row.append(draw(st.one_of(texts, plain_ids) if is_clear else plain_ids))
        elif column == "TIMESTAMP":
            row.append(draw(st.one_of(st.just(str(FIRST)), texts)))
        else:
            row.append(draw(st.one_of(st.none(), texts)))
    if form == "snowflake" and not is_told:
        row = [cell.replace('"', "'") if cell else cell for cell in row]
    return row


def _written(
    draw: st.DrawFn, form: str, is_told: bool, columns: tuple[str, ...], rows: list[Row]
) -> tuple[Told, bytes]:
    if form in ("lines", "list"):
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        if form == "list":
            return UNTOLD, json.dumps(objects, indent=draw(st.sampled_from([None, 1]))).encode()
        ascii_only = draw(st.booleans())
        dumped = [json.dumps(one, ensure_ascii=ascii_only) for one in objects]
        return UNTOLD, ("\n".join(dumped) + "\n").encode()
    null = r"\N" if form == "snowflake" else draw(st.sampled_from(["", "NULL", r"\N"]))
    style = Style(form, draw(st.sampled_from([",", ";", "\t", "|"])), null)
    table: list[Row] = [[*columns], *rows]
    lines = [style.delimiter.join([style.write(cell) for cell in row]) for row in table]
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return style.told if is_told else UNTOLD, text.encode(encoding)


def accepted(made: Made) -> Iterator[tuple[Any, ...]]:
    """The rows that the local Personalize has imported; none when the file is refused before."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(made.body)
        numbers = (*NUMBERS, *DOMAIN_NUMBERS.get(made.domain or "", ()))
        rules = FileRules(
            columns={}, told=made.told, max_bad_rows=0.5, withhold=0.0, numbers=numbers
        )
        try:
            done = normalise_file(
                source, folder, dataset=made.dataset, key="k", file_rules=rules, now=NOW
            )
            summary = check_set([done.report], has_interactions=True).datasets[0]
            plan = infer_schema(
                made.dataset,
                summary.columns,
                summary.kept,
                made.domain,
                event_types=len(summary.event_types),
            )
        except (FileRejected, SetRejected):
            return
        shaped = folder / "shaped.csv"
        clean = shaped if shape_csv(done.part, shaped, plan.schema) else done.part
        schema = parse_schema(plan.schema, domain=made.domain, strict=True)
        result = check_csv(clean, schema, folder / "done.parquet", strict=True)
        assert result.rows == summary.kept
        yield from read_rows(result.path, ["ITEM_ID"])


def judge(made: Made) -> None:
    ids = {str(row[0]) for row in accepted(made)}
    if ids:
        assert not ids - made.written, "an id came out that was never written"
        assert not made.plain - ids, "an id without anything odd got lost"


@settings(max_examples=70, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files())
def test_what_is_accepted_is_imported_and_ids_are_exact(made: Made) -> None:
    judge(made)


@pytest.mark.slow
@settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))
@given(files())
def test_five_thousand_files(made: Made) -> None:
    judge(made)
