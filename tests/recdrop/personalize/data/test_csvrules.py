from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recdrop.personalize.data.csvrules import CsvError, check_csv, read_rows
from recdrop.personalize.data.schemas import DatasetSchema, Field

ITEMS = DatasetSchema(
    "ITEMS",
    (
        Field("ITEM_ID", "string"),
        Field("GENRES", "string", nullable=True, categorical=True),
        Field("PRICE", "float", nullable=True),
        Field("YEAR", "int", nullable=True),
        Field("PLOT", "string", nullable=True, textual=True),
        Field("ADULT", "boolean", nullable=True),
        Field("CREATION_TIMESTAMP", "long", nullable=True),
    ),
)
EVENTS = DatasetSchema(
    "INTERACTIONS",
    (Field("USER_ID", "string"), Field("ITEM_ID", "string"), Field("TIMESTAMP", "long")),
)
HEADER = ",".join(ITEMS.names)


def write(folder: Path, text: str | bytes, name: str = "items.csv") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def accepted(folder: Path, *lines: str) -> list[tuple[object, ...]]:
    path = write(folder, "\n".join([HEADER, *lines]))
    return read_rows(check_csv(path, ITEMS, folder / "items.parquet").path)


def refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(CsvError) as caught:
        check_csv(write(folder, text), ITEMS, folder / "items.parquet", strict=True)
    assert not (folder / "items.parquet").exists()
    return str(caught.value)


def test_values_get_the_types_of_the_schema(tmp_path: Path) -> None:
    full = r'7,Comedy|Drama,1.5,1999,"a \"plot\", with \\",true,1700000000'
    assert accepted(tmp_path, full, "8,,,,,,") == [
        ("7", "Comedy|Drama", 1.5, 1999, 'a "plot", with \\', True, 1_700_000_000),
        ("8", None, None, None, None, None, None),
    ]


def test_columns_come_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path, "TIMESTAMP,ITEM_ID,USER_ID\n5,i,u\n")
    result = check_csv(path, EVENTS, tmp_path / "events.parquet", min_interactions=1)
    assert read_rows(result.path) == [("u", "i", 5)]
    assert result.rows == 1


def test_windows_line_ends_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEADER}\r\n1,,,,,,\r\n\r\n2,,,,,,\r\n")
    assert check_csv(path, ITEMS, tmp_path / "items.parquet").rows == 2


def test_several_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    files = [
        write(tmp_path, f"{HEADER}\n{name},,,,,,\n", f"{name}.csv") for name in ("b", "a", "c")
    ]
    result = check_csv(files, ITEMS, tmp_path / "items.parquet")
    assert [row[0] for row in read_rows(result.path)] == ["b", "a", "c"]


def test_files_need_the_same_header(tmp_path: Path) -> None:
    other = ",".join(reversed(ITEMS.names))
    files = [
        write(tmp_path, f"{HEADER}\n1,,,,,,\n", "a.csv"),
        write(tmp_path, f"{other}\n,,,,,,1\n", "b.csv"),
    ]
    with pytest.raises(CsvError, match=r"different headers: a\.csv has .* b\.csv has"):
        check_csv(files, ITEMS, tmp_path / "items.parquet")


def test_no_files_are_no_data_location(tmp_path: Path) -> None:
    with pytest.raises(CsvError, match=r"^Invalid Data location\."):
        check_csv([], ITEMS, tmp_path / "items.parquet")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "ITEM_ID,GENRES",
            "Input CSV is missing the following columns:[PRICE, YEAR, PLOT, ADULT, CREATION_TIMESTAMP].",
        ),
        (
            HEADER.replace("GENRES", '"GENRES"'),
            "Input CSV is missing the following columns:[GENRES]. Column headers",
        ),
        (
            "\ufeff" + HEADER,
            "Input CSV is missing the following columns:[ITEM_ID]. The file begins with a byte order",
        ),
        (HEADER.replace(",", ";"), "Input CSV is missing the following columns:[ITEM_ID, "),
        (HEADER + ",PRICE", "Input CSV repeats a column in its header"),
        ("", "Input CSV is missing the following columns:[ITEM_ID, "),
    ],
)
def test_the_header_names_the_columns_of_the_schema(
    tmp_path: Path, header: str, message: str
) -> None:
    assert refusal(tmp_path, f"{header}\n1,,,,,,\n").startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            ",,,,,,",
            "Column ITEM_ID has no value, and its schema type is not nullable: 1 of 3 records",
        ),
        (
            "x" * 257 + ",,,,,,",
            "Length cannot be more than 256 characters for ITEM_ID. If no values exceed the character",
        ),
        ("1," + "x" * 1001 + ",,,,,", "Length cannot be more than 1000 characters for GENRES."),
        ("1,,,," + "x" * 20_001 + ",,", "Length cannot be more than 20000 characters for PLOT."),
        ("1,,,," + "字" * 7_001 + ",,", "Length cannot be more than 7000 characters for PLOT."),
        (
            "1,,cheap,,,,",
            "Column PRICE is not of type float: 1 of 3 records, first in items.csv line 3.",
        ),
        ("1,,NaN,,,,", "Column PRICE is not of type float"),
        ("1,,1e400,,,,", "Column PRICE is not of type float"),
        ("1,,,1999.5,,,", "Column YEAR is not of type int"),
        ("1,,,1e3,,,", "Column YEAR is not of type int"),
        ("1,,,3000000000,,,", "Column YEAR is not of type int"),
        ("1,,,,,True,", "Column ADULT is not of type boolean"),
        ("1,,,,,,1700000000000", "Column CREATION_TIMESTAMP is not a Unix timestamp in seconds"),
        ("1,,,,,,2023-01-01", "Column CREATION_TIMESTAMP is not of type long"),
        (
            '1,,,,"two\nlines",,',
            "Column PLOT holds a line break. Each record in your CSV file must be on a single line",
        ),
    ],
)
def test_a_broken_value_fails_the_job(tmp_path: Path, line: str, message: str) -> None:
    assert refusal(tmp_path, f"{HEADER}\n0,,,,,,\n{line}\n2,,,,,,\n").startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            b'1,,,,"a ""b"" c",,',
            "Input CSV has a quoted value that does not end or is not escaped at line 3.",
        ),
        (
            b'1,,,,"open,,',
            "Input CSV has a quoted value that does not end or is not escaped at line 3.",
        ),
        (b"1,,,,", "Input CSV has 5 values at line 3. Expected 7, as in its header."),
        (b"1,,,,,,,x", "Input CSV has 8 values at line 3. Expected 7, as in its header."),
        (b"1,\xff\xfe,,,,,", "Input CSV is not UTF-8 at line 3."),
        (
            b'1,,,,"' + b"x" * 2_100_000 + b'",,',
            "Input CSV has a line of more than 2,000,000 bytes",
        ),
    ],
)
def test_a_broken_line_fails_the_job(tmp_path: Path, line: bytes, message: str) -> None:
    assert refusal(tmp_path, HEADER.encode() + b"\n0,,,,,,\n" + line + b"\n2,,,,,,\n").startswith(
        message
    )


def test_the_file_and_line_of_the_first_broken_value_are_named(tmp_path: Path) -> None:
    good = write(tmp_path, f"{HEADER}\n" + "1,,,,,,\n" * 5, "z.csv")
    bad = write(tmp_path, f"{HEADER}\n1,,,,,,\n1,,x,,,,\n1,,y,,,,\n", "a.csv")
    with pytest.raises(CsvError, match=r"2 of 8 records, first in a\.csv line 3\."):
        check_csv([good, bad], ITEMS, tmp_path / "items.parquet", strict=True)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, HEADER + "\n") == "Input CSV has no records below its header."


@pytest.mark.parametrize(
    ("text", "row", "warning"),
    [
        (
            f",{HEADER},COLOUR\n0,1,,2.5,,,,,red\n",
            ("1", None, 2.5, None, None, None, None),
            "Input CSV has columns that are not in the schema:[, COLOUR].",
        ),
        (
            f"{HEADER.lower()}\n1,,2.5,,,,\n",
            ("1", None, 2.5, None, None, None, None),
            "Input CSV has columns in another case than the schema:[item_id, genres,",
        ),
        (
            f"{HEADER}\n1,,,2006–2007,,,\n",
            ("1", None, None, None, None, None, None),
            "Column YEAR is not of type int: 1 of 1 records, first in items.csv line 2.",
        ),
        (
            f"{HEADER}\n1,,,,,yes,\n",
            ("1", None, None, None, None, None, None),
            "Column ADULT is not of type boolean: 1 of 1 records, first in items.csv line 2.",
        ),
    ],
)
def test_what_the_service_was_seen_to_accept_is_accepted_with_a_warning(
    tmp_path: Path, text: str, row: tuple[object, ...], warning: str
) -> None:
    found = check_csv(write(tmp_path, text), ITEMS, tmp_path / "items.parquet")
    assert read_rows(found.path) == [row]
    assert [told.startswith(warning) for told in found.warnings] == [True]
    assert refusal(tmp_path / "strict", text).startswith(warning)


def test_a_number_that_is_missing_where_the_schema_says_it_is_not_null_becomes_null(
    tmp_path: Path,
) -> None:
    """12 of 9,742 films of AWS's own sample have no YEAR; its import was printed ACTIVE."""
    items = DatasetSchema("ITEMS", (Field("ITEM_ID", "string"), Field("YEAR", "int")))
    path = write(tmp_path, "ITEM_ID,YEAR\n1,1999\n2,\n")
    found = check_csv(path, items, tmp_path / "items.parquet")
    assert read_rows(found.path) == [("1", 1999), ("2", None)]
    assert found.warnings[0].startswith("Column YEAR has no value")


def test_what_identifies_a_row_stays_fatal(tmp_path: Path) -> None:
    path = write(tmp_path, "USER_ID,ITEM_ID,TIMESTAMP\nu,i,yesterday\n")
    with pytest.raises(CsvError, match="TIMESTAMP is not of type long"):
        check_csv(path, EVENTS, tmp_path / "events.parquet", min_interactions=0)


def test_gzip_is_not_csv(tmp_path: Path) -> None:
    assert "missing the following columns" in refusal(tmp_path, b"\x1f\x8b\x08\x00\x00\x00\x00\x00")


def test_an_import_needs_1000_interactions(tmp_path: Path) -> None:
    lines = [f"u{n % 25},i{n},{n}" for n in range(1000)]
    path = write(tmp_path, "\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *lines]))
    assert check_csv(path, EVENTS, tmp_path / "events.parquet").rows == 1000
    path = write(tmp_path, "\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *lines[1:]]))
    with pytest.raises(CsvError, match="fewer than 1000 interactions"):
        check_csv(path, EVENTS, tmp_path / "few.parquet")


def test_an_event_before_1970_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "USER_ID,ITEM_ID,TIMESTAMP\nu,i,-5\n")
    with pytest.raises(CsvError, match="TIMESTAMP is negative"):
        check_csv(path, EVENTS, tmp_path / "events.parquet", min_interactions=0)


def test_a_refused_job_leaves_the_earlier_rows(tmp_path: Path) -> None:
    accepted(tmp_path, "1,,,,,,")
    with pytest.raises(CsvError):
        check_csv(write(tmp_path, f"{HEADER}\n,,,,,,\n"), ITEMS, tmp_path / "items.parquet")
    assert read_rows(tmp_path / "items.parquet", ["ITEM_ID"]) == [("1",)]
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


TEXT = st.none() | st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20
)
ROWS = st.lists(
    st.tuples(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=10),
        TEXT,
        st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
        st.none() | st.integers(-(2**31), 2**31 - 1),
        TEXT,
        st.none() | st.booleans(),
        st.none() | st.integers(-(10**12), 10**11 - 1),
    ),
    min_size=1,
    max_size=8,
)


def as_csv(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROWS)
def test_well_written_rows_come_back_as_they_were(
    tmp_path: Path, rows: list[tuple[object, ...]]
) -> None:
    assert accepted(tmp_path, *(",".join(map(as_csv, row)) for row in rows)) == rows


# One good and several doubtful texts per column, with what the rules say of them.
CELLS: dict[str, dict[str, bool]] = {
    "ITEM_ID": {
        "i1": True,
        "": False,
        "x" * 256: True,
        "x" * 257: False,
        "é" * 256: True,
        "#1": True,
    },
    "GENRES": {
        "a|b": True,
        "": True,
        "x" * 1000: True,
        "x" * 1001: False,
        '"a,b"': True,
        '"a\nb"': False,
    },
    "PRICE": {
        "1.5": True,
        "": True,
        "-0": True,
        "1e3": True,
        "inf": False,
        "1,5": False,
        "0x10": False,
        "1.5 ": False,
        "1_000": False,
        ".5": True,
        "5.": True,
    },
    "YEAR": {
        "7": True,
        "": True,
        "+7": True,
        "1_0": False,
        "7.0": False,
        "2147483648": False,
        "-2147483648": True,
        "seven": False,
    },
    "PLOT": {
        '"a \\"b\\""': True,
        "": True,
        "字" * 7000: True,
        "字" * 7001: False,
        "x" * 20000: True,
        "x" * 20001: False,
    },
    "ADULT": {"true": True, "": True, "false": True, "True": False, "0": False, "yes": False},
    "CREATION_TIMESTAMP": {
        "0": True,
        "": True,
        "-5": True,
        "99999999999": True,
        "100000000000": False,
        "1.5": False,
    },
}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(*(st.sampled_from(sorted(cells)) for cells in CELLS.values())),
        min_size=1,
        max_size=3,
    )
)
def test_a_file_is_accepted_exactly_when_every_cell_is(
    tmp_path: Path, rows: list[tuple[str, ...]]
) -> None:
    is_good = all(CELLS[name][text] for row in rows for name, text in zip(CELLS, row, strict=True))
    path = write(tmp_path, "\n".join([HEADER, *(",".join(row) for row in rows)]))
    try:
        check_csv(path, ITEMS, tmp_path / "items.parquet", strict=True)
    except CsvError:
        assert not is_good
    else:
        assert is_good


REAL_DATA = Path(__file__).parents[5] / "shared" / "data"


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the shared data sets are not on this machine")
@pytest.mark.parametrize(
    ("file", "dataset_type", "columns", "rows"),
    [
        (
            "poc/interactions.csv",
            "INTERACTIONS",
            "USER_ID ITEM_ID TIMESTAMP:long EVENT_TYPE",
            158_371,
        ),
        ("poc/item-meta.csv", "ITEMS", "ITEM_ID GENRE YEAR", 9_742),
        (
            "minimal/interactions.csv",
            "INTERACTIONS",
            "USER_ID ITEM_ID TIMESTAMP:long EVENT_TYPE EVENT_VALUE:float",
            1_000,
        ),
        (
            "travel/df_interactions.csv",
            "INTERACTIONS",
            "USER_ID ITEM_ID TIMESTAMP:long EVENT_TYPE EVENT_VALUE:float CABIN_TYPE",
            34_853,
        ),
    ],
)
def test_the_files_of_the_samples_are_accepted(
    tmp_path: Path, file: str, dataset_type: str, columns: str, rows: int
) -> None:
    pairs = [column.partition(":") for column in columns.split()]
    schema = DatasetSchema(
        dataset_type,
        tuple(Field(name, kind or "string", nullable=name == "YEAR") for name, _, kind in pairs),
    )
    assert check_csv(REAL_DATA / file, schema, tmp_path / "rows.parquet").rows == rows


@pytest.mark.skipif(not REAL_DATA.exists(), reason="the shared data sets are not on this machine")
def test_one_year_that_is_a_range_is_imported_as_null_with_a_warning(tmp_path: Path) -> None:
    schema = DatasetSchema(
        "ITEMS",
        (Field("ITEM_ID", "string"), Field("GENRE", "string"), Field("YEAR", "int", nullable=True)),
    )
    path = REAL_DATA / "poc" / "item-meta.csv"
    told = r"YEAR is not of type int: 1 of 9,742 records, first in item-meta\.csv line 9520"
    result = check_csv(path, schema, tmp_path / "rows.parquet")
    assert result.rows == 9_742
    assert any(re.search(told, warning) for warning in result.warnings)
    with pytest.raises(CsvError, match=told):
        check_csv(path, schema, tmp_path / "strict.parquet", strict=True)
