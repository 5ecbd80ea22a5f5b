"""The verdict first, then kinds of problems, what was understood, and what to do."""

from __future__ import annotations

from pathlib import Path

import click

from recdrop.checking import telling
from tests.recdrop.checking.exports import FIRST, checked, rows, write

OWN = "USER_ID,ITEM_ID,TIMESTAMP"


def told(path: Path, config: str | None = None) -> str:
    return click.unstyle(telling.text(checked(path, config), "PATH"))


def test_a_clean_export(tmp_path: Path) -> None:
    text = told(write(tmp_path / "x", {"interactions/a.csv": rows(OWN)}))
    assert text.startswith("This export can be used.\n")
    assert "60 users, 40 items" in text
    assert "written as CSV, comma, UTF-8" in text
    assert "It needs no recdrop.toml." in text


def test_one_line_a_kind_with_count_samples_and_action(tmp_path: Path) -> None:
    def row(n: int) -> str:
        return f"{'' if n % 100 == 0 else f'u{n % 60}'},i{n % 40},{FIRST + n}"

    text = told(write(tmp_path / "x", {"interactions/a.csv": rows(OWN, row, 1500)}))
    lines = text.splitlines()
    (place,) = [i for i, line in enumerate(lines) if "have no USER_ID" in line]
    assert lines[place] == "  warning  15 rows of interactions dropped: they have no USER_ID"
    first = ", ".join(f"interactions/a.csv:{n}" for n in (2, 102, 202))
    assert lines[place + 1].strip() == first
    assert lines[place + 2].strip().startswith("to do: mend them")


def test_a_config_is_printed_with_what_comes_next(tmp_path: Path) -> None:
    text = told(write(tmp_path / "x", {"orders.csv": rows("customer_id,sku,ts")}))
    assert text.startswith("This export can be used with the recdrop.toml below.")
    assert 'columns = { USER_ID = "customer_id", ITEM_ID = "sku", TIMESTAMP = "ts" }' in text
    assert "recdrop fix PATH --config recdrop.toml -o clean" in text
    assert "--group GROUP --dataset interactions" in text


def test_of_an_export_in_s3_the_objects_are_copied(tmp_path: Path) -> None:
    found = checked(write(tmp_path / "x", {"orders.csv": rows("customer_id,sku,ts")}))
    copy = "aws s3 cp s3://b/x/orders.csv s3://DROP-BUCKET/GROUP/interactions/"
    for path in ("s3://b/x/", "s3://b/x/orders.csv"):
        assert copy in telling.text(found, path)


def test_a_refused_export_says_why_first(tmp_path: Path) -> None:
    text = told(write(tmp_path / "x", {"interactions/a.csv": "USER_ID,SHOE\nu,1\n"}))
    assert text.startswith(
        "This export cannot be used: interactions/a.csv: The header has no ITEM_ID"
    )
    assert "Next:" not in text


def test_a_refused_set_shows_its_rows_too(tmp_path: Path) -> None:
    text = told(
        write(tmp_path / "x", {"interactions/a.csv": rows(OWN, lambda _: "u,i,1700000000", 1500)})
    )
    assert text.startswith("This export cannot be used: The export has 1 usable interactions.")
    assert "1,499 rows of interactions dropped: they are exact copies" in text


def test_items_alone_wait_for_interactions(tmp_path: Path) -> None:
    text = told(write(tmp_path / "items", {"a.csv": "ITEM_ID,COLOUR\n1,red\n2,blue\n"}))
    assert text.startswith("This export can be used once the group has interactions")


def test_with_a_config_that_holds_none_is_suggested(tmp_path: Path) -> None:
    text = told(write(tmp_path / "x", {"interactions/a.csv": rows(OWN)}), "[source]")
    assert "recdrop.toml for it" not in text


def test_the_document_says_the_same(tmp_path: Path) -> None:
    document = telling.document(
        checked(write(tmp_path / "x", {"o.csv": rows("customer_id,sku,ts")}))
    )
    assert (document["usable"], document["usable_with_config"]) == (False, True)
    assert document["datasets"][0]["columns"]["USER_ID"] == "customer_id"
    assert document["schemas"]["interactions"]["fields"][0] == {"name": "USER_ID", "type": "string"}
    assert "[[dataset]]" in document["config"]
