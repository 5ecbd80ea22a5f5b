"""`recdrop fix` writes what would be imported, and tells what is not in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from recdrop.checking.checkup import check
from recdrop.checking.fixing import LEFT_OUT
from recdrop.checking.fixing import write as fix
from tests.recdrop.checking.exports import FIRST, NOW, checked, rows, write

HEADER = "customer_id,sku,ts,colour,nothing"


def row(n: int) -> str:
    return f"{'' if n == 3 else f'u{n % 60}'},i{n % 40},{FIRST + n // 2 * 2},a|b,"


def test_clean_files_are_written_and_accepted_as_they_are(tmp_path: Path) -> None:
    export = write(tmp_path / "in", {"orders.csv": rows(HEADER, row, 1300), "README": "x\n"})
    found = check(export, None, None, tmp_path / "scratch", NOW)
    fixed = fix(found, tmp_path / "out")
    (part,) = fixed.files["interactions"]
    with part.open(newline="") as file:
        clean = list(csv.DictReader(file))
    assert set(clean[0]) == {"USER_ID", "ITEM_ID", "TIMESTAMP", "COLOUR"}
    assert len(clean) == 1299
    again = checked(tmp_path / "out")
    assert again.is_usable
    assert not again.needs_config
    before, after = found.judged.plans or {}, again.judged.plans or {}
    assert after["interactions"].schema == before["interactions"].schema


def test_what_is_left_out_is_written_down(tmp_path: Path) -> None:
    body = rows(HEADER, row, 1300) + row(1299) + "\n"
    export = write(tmp_path / "in", {"orders.csv": body, "README": "x\n"})
    fixed = fix(check(export, None, None, tmp_path / "scratch", NOW), tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out" / LEFT_OUT).read_text().splitlines()]
    assert fixed.left_out == len(lines) == 3
    told = {(line["file"], line["line"]): line["reason"] for line in lines}
    assert "one column" in told["README", None]
    assert told["orders.csv", 5] == "have no USER_ID"
    assert told["orders.csv", 1302].startswith("1 row: they are exact copies")


def test_nothing_left_out_leaves_no_file(tmp_path: Path) -> None:
    export = write(tmp_path / "interactions", {"a.csv": rows("USER_ID,ITEM_ID,TIMESTAMP")})
    fixed = fix(check(export, None, None, tmp_path / "scratch", NOW), tmp_path / "out")
    assert fixed.left_out == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["interactions"]
