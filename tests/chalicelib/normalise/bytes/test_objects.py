from __future__ import annotations

import json
from pathlib import Path

import pytest

from chalicelib.normalise.bytes.objects import is_object_a_line, is_yaml
from chalicelib.normalise.errors import FileRejected
from tests.chalicelib.normalise.house import clean

ITEMS = [{"ITEM_ID": f"i{n}", "TITLE": 'a "b"\n[c], {d}', "PRICE": n / 2} for n in range(3)]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(ITEMS),
        json.dumps(ITEMS, indent=2),
        "\n\n [ " + " ,\n".join(map(json.dumps, ITEMS)) + " ] \n",
        "\n".join(json.dumps(item, indent=1) for item in ITEMS),
        json.dumps([ITEMS[:2], [ITEMS[2]]]),
    ],
    ids=["list", "indented", "object a line", "no list", "lists in a list"],
)
def test_objects_are_found_however_they_are_set_out(tmp_path: Path, body: str) -> None:
    found = clean(tmp_path, body, "items")
    assert [row["ITEM_ID"] for row in found.rows] == ["i0", "i1", "i2"]
    assert found.rows[0]["TITLE"] == 'a "b" [c], {d}'
    assert not found.dropped


def test_a_list_of_any_size_fits_the_memory(tmp_path: Path) -> None:
    items = [{"ITEM_ID": f"i{n}", "TITLE": "x" * 1000} for n in range(6000)]
    found = clean(tmp_path, json.dumps(items), "items")
    assert found.report.kept == 6000
    assert "read as a JSON list" in found.report.notes


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_list_that_ends_early_is_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(FileRejected, match="cannot be read as json"):
        clean(tmp_path, json.dumps(ITEMS)[:-cut], "items")


def test_yaml_is_read_and_its_values_stay_texts(tmp_path: Path) -> None:
    body = "- id: 007\n  name: 'No'\n  price: 16.90\n  tags: [a, b]\n- id: no\n  name: |\n    x\n    y\n"
    found = clean(tmp_path, body, "items", {"columns": {"ITEM_ID": "id"}})
    assert [row["ITEM_ID"] for row in found.rows] == ["007", "no"]
    assert [row["PRICE"] for row in found.rows] == ["16.90", ""]
    assert [row["TAGS"] for row in found.rows] == ["a|b", ""]
    assert "read as YAML" in found.report.notes


@pytest.mark.parametrize(
    ("body", "message"), [("- a: [1\n", "cannot be read as YAML"), ("---\n- 1\n", "list of mapp")]
)
def test_other_yaml_is_refused_with_the_reason(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(FileRejected, match=message):
        clean(tmp_path, body, "items")


@pytest.mark.parametrize(
    ("head", "yaml"),
    [
        (b"- id: 1\n", True),
        (b"---\n- id: 1\n", True),
        (b'- "id": 1\n', True),
        (b"- id,name\n", False),
        (b"id: 1\n", False),
        (b"USER_ID,ITEM_ID\n", False),
    ],
)
def test_yaml_is_told_by_its_first_line(head: bytes, yaml: bool) -> None:
    assert is_yaml(head) is yaml


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (b'{"a": 1}\n{"a": 2}\n', True),
        (b'{"a": 1}', True),
        (b'{"cut\n{"a": 2}\n', True),
        (b'{\n  "a": 1}\n', False),
        (b'[{"a": 1}]', False),
    ],
)
def test_whether_an_object_has_a_line_is_told_by_the_first(head: bytes, lines: bool) -> None:
    assert is_object_a_line(head) is lines
