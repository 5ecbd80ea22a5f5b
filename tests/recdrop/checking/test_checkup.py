"""`recdrop check` from a path to a verdict and a config that holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.config.loading import ConfigError
from recdrop.checking.checkup import Checkup
from tests.recdrop.checking.exports import FIRST, assert_config_holds, checked, rows, write

OWN = "USER_ID,ITEM_ID,TIMESTAMP"
ITEMS = "ITEM_ID,COLOUR\n" + "".join(f"i{n},{'red' if n % 2 else 'blue'}\n" for n in range(40))


def sections(found: Checkup) -> dict[str, tuple[str, dict[str, str]]]:
    return {s.folder: (s.dataset, dict(s.columns)) for s in found.suggestion.sections}


def test_an_export_in_our_own_words_needs_nothing(tmp_path: Path) -> None:
    found = assert_config_holds(
        write(tmp_path / "x", {"interactions/a.csv": rows(OWN), "items/b.csv": ITEMS})
    )
    assert not found.needs_config
    assert found.suggestion.says_nothing
    assert (found.judged.users, found.judged.items) == (60, 40)


def test_other_names_need_the_config_that_is_printed(tmp_path: Path) -> None:
    path = write(tmp_path, {"orders.csv": rows("CustomerID,StockCode,InvoiceDate")}) / "orders.csv"
    found = assert_config_holds(path)
    assert found.needs_config
    wanted = {"USER_ID": "CustomerID", "ITEM_ID": "StockCode", "TIMESTAMP": "InvoiceDate"}
    assert sections(found) == {"interactions": ("interactions", wanted)}
    assert not checked(path, "").is_usable


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_a_file_without_a_header_line_can_be_used(tmp_path: Path, sep: str, ending: str) -> None:
    lines = rows("", sep=sep).split("\n", 1)[1]
    path = write(tmp_path, {f"a.csv{ending}": lines}) / f"a.csv{ending}"
    found = assert_config_holds(path)
    assert found.judged.reports[0].rows == 1200


def test_folders_of_other_names_are_mapped(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "shop/ordrs/day=1/a.csv": rows("customer_id,sku,bought_at", count=600),
        "shop/ordrs/day=2/a.csv": rows(
            "customer_id,sku,bought_at",
            lambda n: f"u{n % 50},i{n % 30},{FIRST + 10**6 + n}",
            600,
        ),
        "shop/things/b.csv": ITEMS,
    }
    path = write(tmp_path / "x", files)
    renamed = {
        k: v.replace("bought_at", "order_date") for k, v in files.items() if isinstance(v, str)
    }
    write(path, dict(renamed))
    found = assert_config_holds(path)
    assert found.needs_config
    assert {folder: kind for folder, (kind, _) in sections(found).items()} == {
        "ordrs": "interactions",
        "things": "items",
    }


def test_partitions_alone_are_no_folder_of_a_dataset(tmp_path: Path) -> None:
    later = rows("customer_id,sku,ts", lambda n: f"u{n % 60},i{n % 9},{FIRST + 99999 + n}")
    parts: dict[str, str | bytes] = {
        "day=1/a.csv": rows("customer_id,sku,ts"),
        "day=2/a.csv": later,
    }
    found = assert_config_holds(write(tmp_path / "x", parts))
    assert set(sections(found)) == {"interactions"}


def test_two_files_that_call_it_differently_get_a_folder_each(tmp_path: Path) -> None:
    clicks = rows("visitor_id,sku,ts", lambda n: f"u{n % 60},i{n % 9},{FIRST + n}")
    path = write(tmp_path / "x", {"orders.csv": rows("customer_id,sku,ts"), "clicks.csv": clicks})
    found = assert_config_holds(path)
    assert set(sections(found)) == {"orders", "clicks"}


def test_columns_that_not_every_file_has_are_dropped(tmp_path: Path) -> None:
    wide = rows(f"{OWN},COLOUR", lambda n: f"u{n % 60},i{n % 40},{FIRST + n},red")
    other = rows(OWN, lambda n: f"u{n % 60},i{n % 40},{FIRST + 9999 + n}")
    found = assert_config_holds(write(tmp_path / "interactions", {"a.csv": wide, "b.csv": other}))
    assert found.suggestion.sections[0].drop_columns == ("COLOUR",)
    assert "not every file has COLOUR" in found.suggestion.text()


def test_of_many_event_types_the_most_frequent_are_kept(tmp_path: Path) -> None:
    def row(n: int) -> str:
        return f"u{n % 60},i{n % 40},{FIRST + n},{f'rare{n // 10 % 30}' if n % 10 == 0 else 'view'}"

    found = assert_config_holds(
        write(tmp_path / "interactions", {"a.csv": rows(f"{OWN},EVENT_TYPE", row, 3000)})
    )
    events = found.suggestion.sections[0].events
    assert events[0] == "view"
    assert len(events) == 10


def test_sales_to_nobody_are_left_out_when_there_are_many(tmp_path: Path) -> None:
    """As in UCI Online Retail, where a quarter of the lines have no customer."""

    def row(n: int) -> str:
        return f"{'' if n % 4 == 0 else n % 60},i{n % 40},{FIRST + n}"

    path = write(tmp_path, {"retail.csv": rows("CustomerID,StockCode,InvoiceDate", row, 2000)})
    found = assert_config_holds(path / "retail.csv")
    assert found.suggestion.max_bad_rows == 0.3
    assert "500 of 2,000 rows of retail.csv name no user or no item" in found.suggestion.text()


def test_times_that_cannot_be_read_are_not_waved_through(tmp_path: Path) -> None:
    def row(n: int) -> str:
        return f"u{n % 60},i{n % 40},{'soon' if n % 4 == 0 else FIRST + n}"

    found = checked(write(tmp_path / "interactions", {"a.csv": rows(OWN, row)}))
    assert not found.is_usable
    assert found.suggestion.max_bad_rows is None


def test_too_few_rows_are_refused_with_the_pipelines_words(tmp_path: Path) -> None:
    found = checked(write(tmp_path / "interactions", {"a.csv": rows(OWN, count=900)}))
    assert not found.is_usable
    assert "Expected at least 1,000" in found.reason
    assert found.judged.plans  # what would be imported can still be shown


def test_a_file_that_cannot_be_used_refuses_the_export(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "interactions/a.csv": rows(OWN),
        "items/b.csv": b"\x1f\x8b\x08",
    }
    found = checked(write(tmp_path / "x", files))
    assert not found.is_usable
    assert found.reason.startswith("items/b.csv: The gzip data")


def test_files_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "x", {"interactions.csv": rows(OWN), "README.txt": "About\nthis\n"})
    found = assert_config_holds(path)
    assert found.ignored.keys() == {"README.txt"}
    assert "it has one column, 'About'" in found.ignored["README.txt"]
    alone = checked(path / "README.txt")
    assert not alone.is_usable
    assert "no file with rows in it" in alone.reason


def test_a_file_that_may_be_meant_is_not_passed_over(tmp_path: Path) -> None:
    damaged = b"USER_ID;ITEM_ID\n\x1f\x8b\xff\xfe\xff\n"
    files: dict[str, str | bytes] = {"items.csv": ITEMS, "orders.csv": damaged, "a.pdf": b"%PDF-1"}
    found = checked(write(tmp_path / "x", files))
    assert not found.is_usable
    assert found.reason.startswith("orders.csv: ")
    assert [rejection.key for rejection in found.unreadable] == ["orders.csv"]


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert not found.is_usable
    assert found.reason.startswith("There is no file")


def test_items_alone_are_fine(tmp_path: Path) -> None:
    assert_config_holds(write(tmp_path / "items", {"a.csv": ITEMS}))


def test_a_given_config_is_the_one_that_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x",
        {
            "interactions/a.csv": rows("buyer,thing,at"),
            "recdrop.toml": "[source]\ncolumns = "
            '{ USER_ID = "buyer", ITEM_ID = "thing", TIMESTAMP = "at" }\n',
        },
    )
    found = checked(path)
    assert found.is_given
    assert found.is_usable
    assert not found.needs_config
    with pytest.raises(ConfigError, match="sourse"):
        checked(path, "[sourse]")


def test_what_the_files_are_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.csv": "code,colour\nx,red\ny,blue\n"}) / "a.csv"
    assert not checked(path).is_usable
    found = checked(path, dataset="items")
    assert found.is_usable
    assert sections(found) == {"items": ("items", {"ITEM_ID": "code"})}


def test_a_source_is_recognised_and_its_habits_are_suggested(tmp_path: Path) -> None:
    part = "part-00000-tid-5196563791502273604-c2233d6c-4a82-4d2f-8a9d-6b6f5a1f7a52-6-1-c000.csv"
    files: dict[str, str | bytes] = {
        f"interactions/{part}": rows(OWN.lower()),
        "interactions/_committed_5196563791502273604": f'{{"added": ["{part}"]}}',
        "interactions/_SUCCESS": "",
    }
    found = assert_config_holds(write(tmp_path / "x", files))
    assert found.recognised.adapter.name == "databricks"
    assert 'kind = "databricks"\ncomplete = "marker"\n' in found.suggestion.text()


def test_a_days_log_is_appended(tmp_path: Path) -> None:
    def call(n: int) -> str:
        what = f'{{"sku": "i{n % 40}"}}' if n % 3 else "{}"
        return (
            f'{{"messageId": "m{n}", "type": "track", "userId": "u{n % 60}", "event": "View", '
            f'"properties": {what}, "timestamp": "2024-01-0{1 + n % 9}T10:{n % 59:02}:{n // 59:02}.000Z"}}'
        )

    log = "\n".join(map(call, range(3000))) + "\n"
    found = assert_config_holds(write(tmp_path / "x", {"segment-logs/src/1700000000000/a.gz": log}))
    assert found.recognised.adapter.name == "segment"
    assert 'mode = "INCREMENTAL"' in found.suggestion.text()
    assert not found.needs_config


def test_an_export_with_a_refused_file_is_usable_where_the_config_allows_it(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "interactions/a.csv": rows(OWN),
        "interactions/b.csv": b"%PDF-1.4",
    }
    path = write(tmp_path, files)
    assert not checked(path, "").is_usable
    assert checked(path, "[source]\nallow_partial = true\n").is_usable


def manifest(*files: tuple[str, int | None, int | None], place: str = "s3://drop/shop/") -> str:
    listed = [{"name": place + name, "size": size, "rows": rows} for name, size, rows in files]
    plain = [{k: v for k, v in entry.items() if v is not None} for entry in listed]
    return json.dumps({"version": 1, "datasets": {"INTERACTIONS": plain}})


@pytest.mark.parametrize("place", ["s3://drop/shop/", "shop/", ""])
def test_a_manifest_that_fits_is_no_matter(tmp_path: Path, place: str) -> None:
    body = rows(OWN)
    listed = manifest(("interactions/a.csv", len(body), 1200), place=place)
    files: dict[str, str | bytes] = {
        "interactions/a.csv": body,
        "interactions/old.csv": rows(OWN, count=5),
        "manifest.json": listed,
    }
    found = checked(write(tmp_path / "x", files))
    assert found.is_usable, found.reason
    assert found.judged.summaries[0].rows == 1200
    assert found.ignored["interactions/old.csv"] == "the export's list of files does not name it"


@pytest.mark.parametrize(
    ("name", "size", "count", "reason"),
    [
        ("b.csv", None, None, "interactions/b.csv is not there"),
        ("a.csv", 7, None, "its manifest promises 7"),
        ("a.csv", None, 90_000, "has 1,200 rows; its manifest promises 90,000"),
    ],
)
def test_what_a_manifest_promises_and_is_not_there_is_said(
    tmp_path: Path, name: str, size: int | None, count: int | None, reason: str
) -> None:
    files: dict[str, str | bytes] = {
        "interactions/a.csv": rows(OWN),
        "manifest.json": manifest(
            ("interactions/a.csv", None, None), (f"interactions/{name}", size, count)
        ),
    }
    found = checked(write(tmp_path / "x", files))
    assert not found.is_usable
    assert reason in found.reason


def test_a_config_may_allow_less_than_the_manifest_promises(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "interactions/a.csv": rows(OWN),
        "manifest.json": manifest(("interactions/a.csv", None, 90_000)),
    }
    found = checked(write(tmp_path / "x", files), "[source]\nallow_partial = true\n")
    assert found.is_usable
    assert "row-count" in {finding.code for finding in found.judged.findings}
