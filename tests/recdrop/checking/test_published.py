"""Public data sets and shop exports as they are published, byte for byte in their formats: each goes
with the config that `check` prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.normalise.rows.clean import clean_source
from recdrop.checking.checkup import Checkup, check
from tests.recdrop.checking.exports import FIRST, NOW, assert_config_holds, write


def online_retail(*, floats: bool = False) -> bytes:
    """UCI Online Retail as Kaggle has it: latin-1, CRLF, US dates without a leading zero, quotes only
    where a comma is, a quarter of the rows without a customer, cancellations, postage, exact copies.

    `floats` is what pandas makes of the customers when some are missing.
    """
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    lines = [header]
    for n in range(4000):
        invoice = f"C{536379 + n // 4}" if n % 60 == 0 else str(536365 + n // 4)
        quantity = -1 if invoice.startswith("C") else 1 + n % 12
        code, text = f"{85000 + n * 7 % 90}{'A' if n % 3 else ''}", f"WHITE HANGING HEART {n % 90}"
        if n % 97 == 0:
            code, text = "POST", "POSTAGE"
        if n % 101 == 0:
            code, text = "21733", '"RED HANGING HEART T-LIGHT HOLDER, LARGE"'
        if n % 103 == 0:
            code, text = "22722", "SET OF 6 SPICE TINS £3.50 CRÈME"
        date = f"{1 + n // 400}/{1 + n % 28}/2011 {8 + n % 10}:{n % 60:02}"
        customer = "" if n % 4 == 3 else f"{17850 - n % 300}{'.0' * floats}"
        country = "EIRE" if n % 50 == 0 else "United Kingdom"
        lines.append(f"{invoice},{code},{text},{quantity},{date},2.55,{customer},{country}")
        if n % 200 == 0:
            lines.append(lines[-1])
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def ratings_dat() -> str:
    """MovieLens 1M's ratings.dat: UserID::MovieID::Rating::Timestamp, no header line."""
    return "".join(f"{1 + n % 60}::{n * 7 % 40}::{1 + n % 5}::{FIRST + n}\n" for n in range(1500))


def movies_dat() -> bytes:
    """MovieLens 1M's movies.dat: latin-1, quotes and colons in titles, genres with bars."""
    titles = [
        '"Great Performances" Cats (1998)',
        "Misérables, Les (1995)",
        "Star Trek: First (1996)",
    ]
    lines = (f"{n}::{titles[n % 3]}::Animation|Children's" for n in range(40))
    return ("\n".join(lines) + "\n").encode("latin-1")


def users_dat() -> str:
    return "".join(f"{n}::{'FM'[n % 2]}::{25}::{n % 20}::48067\n" for n in range(1, 61))


def shopify() -> str:
    """Shopify's orders export: an order of several lines has its own values in the first one only."""
    header = (
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Total,Lineitem quantity,"
        "Lineitem name,Lineitem price,Lineitem sku,Notes,Created at,Cancelled at,Vendor,Id"
    )
    lines = [header]
    for n in range(700):
        when = f"2023-{1 + n // 70:02}-{1 + n % 28:02} 10:{n % 60:02}:00 -0500"
        email, order = f"jo+{n % 60}@example.com", f"#{1001 + n}"
        lines.append(
            f"{order},{email},paid,{when},fulfilled,USD,25.98,25.98,1,"
            f'"Tee, {n % 40} - S / Red",12.99,SKU-{n % 40},"Leave at\nthe door",{when},,Acme,{n}'
        )
        lines.append(f"{order},,,,,,,,2,Cap {n % 9},12.99,CAP-{n % 9},,,,Acme,")
    return "\n".join(lines) + "\n"


def sequences() -> str:
    """As S3-Rec's Beauty: a user, then the items in order, no times."""
    return "".join(
        f"{user} {' '.join(str(1 + (user * 7 + k * k) % 50) for k in range(5 + user % 20))}\n"
        for user in range(1, 301)
    )


def rows_of(
    path: Path, scratch: Path, config: str | None = None
) -> tuple[Checkup, list[tuple[str, str, int]]]:
    """The interactions that the pipeline would import."""
    from chalicelib.normalise import engine

    found = check(path, config, None, scratch / "check", NOW)
    table = clean_source(found.judged.parts()["interactions"])
    with engine.connect(scratch / "duckdb") as connection:
        found_rows = connection.execute(
            f"SELECT USER_ID, ITEM_ID, TIMESTAMP FROM {table}"
        ).fetchall()
    return found, [(str(user), str(item), int(when)) for user, item, when in found_rows]


def test_online_retail_goes_as_it_is_published(tmp_path: Path) -> None:
    path = write(tmp_path / "in", {"OnlineRetail.csv": online_retail()})
    found = assert_config_holds(path)
    assert found.needs_config
    assert found.suggestion.sections[0].columns == {
        "USER_ID": "CustomerID",
        "ITEM_ID": "StockCode",
        "TIMESTAMP": "InvoiceDate",
    }
    _, rows = rows_of(path, tmp_path)
    assert ("17849", "85007A", 1_293_958_860) in rows, "1/2/2011 9:01"
    told = [finding.sentence for finding in found.judged.findings]
    assert "interactions: converted cp1252 to UTF-8" in told
    assert any("month, day, year" in sentence for sentence in told)
    assert {"returns", "no-products", "duplicate"} <= {f.code for f in found.judged.findings}


def test_customers_that_pandas_made_fractions_of_can_be_whole_again(tmp_path: Path) -> None:
    path = write(tmp_path / "in", {"OnlineRetail.csv": online_retail(floats=True)})
    found = assert_config_holds(path)
    assert "whole_ids = true" in found.suggestion.text()
    assert ("17849", "85007A", 1_293_958_860) in rows_of(path, tmp_path / "a")[1]
    config = found.suggestion.text().replace("whole_ids = true", "")
    assert ("17849.0", "85007A", 1_293_958_860) in rows_of(path, tmp_path / "b", config)[1]


def test_movielens_goes_with_its_double_colons(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "ratings.dat": ratings_dat(),
        "movies.dat": movies_dat(),
        "users.dat": users_dat(),
    }
    found = assert_config_holds(write(tmp_path / "ml-1m", files))
    assert found.recognised.adapter.name == "movielens"
    assert {s.dataset: (s.rows, s.kept) for s in found.judged.summaries} == {
        "interactions": (1500, 1500),
        "items": (40, 40),
        "users": (60, 60),
    }
    headers = {s.dataset: s.header for s in found.suggestion.sections}
    assert headers["items"] == ("ITEM_ID", "TITLE", "GENRES")


def test_each_line_of_a_shopify_order_is_a_purchase_of_its_customer(tmp_path: Path) -> None:
    path = write(tmp_path / "in", {"orders_export_1.csv": shopify()})
    found = assert_config_holds(path)
    assert found.recognised.adapter.name == "shopify"
    _, rows = rows_of(path, tmp_path)
    assert len(rows) == 1400
    assert [row for row in rows if row[1].startswith("CAP")][:1] == [
        ("jo+0@example.com", "CAP-0", 1_672_585_200)
    ]


def test_sequences_without_times_get_times_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "in", {"sequences.txt": sequences()})
    found = assert_config_holds(path)
    assert found.recognised.adapter.name == "sequences"
    assert found.needs_config
    _, rows = rows_of(path, tmp_path)
    first = sorted((when, item) for user, item, when in rows if user == "7")
    assert [item for _, item in first] == [str(1 + (49 + k * k) % 50) for k in range(12)]
    assert any("made up" in finding.sentence for finding in found.judged.findings)


@pytest.mark.parametrize("none", ["day=__HIVE_DEFAULT_PARTITION__", "day=__NULL__"])
def test_the_partition_of_rows_without_a_value_counts(tmp_path: Path, none: str) -> None:
    from tests.recdrop.checking.exports import rows

    own = "USER_ID,ITEM_ID,TIMESTAMP"
    files: dict[str, str | bytes] = {
        "interactions/day=1/data_0_0_0.csv": rows(own, count=1100),
        f"interactions/{none}/data_0_1_0.csv": rows(
            own, lambda n: f"v{n % 50},i{n % 30},{FIRST + n}", 500
        ),
    }
    found = assert_config_holds(write(tmp_path / "x", files))
    assert sum(summary.rows for summary in found.judged.summaries) == 1600
