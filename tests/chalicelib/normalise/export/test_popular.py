from __future__ import annotations

import json
from pathlib import Path

from chalicelib.documents import encode
from chalicelib.normalise.export.popular import popular_items
from tests.chalicelib.normalise.house import write_clean


def test_items_come_by_count_then_id_with_their_metadata(tmp_path: Path) -> None:
    interactions = write_clean(
        tmp_path / "x.csv",
        [("u", "b", 1), ("u", "a", 2), ("v", "a", 3), ("v", "b", 3), ("v", "c", 3)],
    )
    items = write_clean(
        tmp_path / "i.csv", [("a", "Shoe", 3), ("c", "", 4)], header="ITEM_ID,NAME,PRICE"
    )
    found = popular_items([interactions], [items], tmp_path / "scratch")
    assert json.loads(encode(found)) == {
        "version": 1,
        "items": [
            {"itemId": "a", "count": 2, "metadata": {"NAME": "Shoe", "PRICE": "3"}},
            {"itemId": "b", "count": 2, "metadata": {}},
            {"itemId": "c", "count": 1, "metadata": {"PRICE": "4"}},
        ],
    }


def test_no_more_than_the_limit_is_written(tmp_path: Path) -> None:
    interactions = write_clean(tmp_path / "x.csv", [("u", f"i{n}", 1) for n in range(9)])
    found = popular_items([interactions], [], tmp_path / "scratch", limit=4)
    assert [item.item_id for item in found.items] == ["i0", "i1", "i2", "i3"]
