from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chalicelib.normalise import engine
from chalicelib.normalise.bytes.unpacking import unpack
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.rows.columns import map_columns
from chalicelib.normalise.rows.rules import write_rules
from chalicelib.normalise.rows.sources import open_source
from chalicelib.normalise.rows.table import Table, load
from tests.chalicelib.normalise.house import NOW


@contextmanager
def table(folder: Path, body: str) -> Iterator[Table]:
    path = folder / "source"
    path.write_text(body)
    with engine.connect(folder / "scratch") as connection:
        unpacked = unpack(path, folder / "scratch")
        source = open_source(connection, unpacked, columns={"ITEM_ID": "properties.sku"})
        columns = map_columns("items", source.header)
        rules = write_rules(columns, unpacked.traits, NOW, before=source.drops)
        yield load(connection, unpacked, source, rules, folder / "scratch", key="ITEM_ID")


def test_a_row_knows_its_line(tmp_path: Path) -> None:
    with table(tmp_path, "\nITEM_ID,NAME\n1,a\n2,b\n") as found:
        assert found.count() == 2
        assert found.mended is None
        assert found.lines([0, 1]) == [3, 4]


def test_a_row_after_broken_lines_knows_its_line_too(tmp_path: Path) -> None:
    with table(tmp_path, 'ITEM_ID,NAME\n1,a\nbroken\n2,"b\nb"\n3,c\n') as found:
        assert found.count() == 3
        assert found.mended
        assert found.lines([2, 0, 1]) == [6, 2, 4]


def test_two_products_of_one_json_object_are_of_the_same_line(tmp_path: Path) -> None:
    order = '{"ITEM_ID": "x", "properties": {"products": [{"sku": "a"}, {"sku": "b"}]}}'
    with table(tmp_path, f'{{"ITEM_ID": "y"}}\n{order}\n') as found:
        assert found.lines([0, 1, 2]) == [1, 2, 2]


def test_the_clean_rows_are_those_without_a_drop_in_their_order(tmp_path: Path) -> None:
    with table(tmp_path, "ITEM_ID,NAME\n2,b\n,none\n1,a\n") as found:
        found.create_kept(["NAME", "ITEM_ID"])
        rows = found.connection.execute("FROM kept").fetchall()
        assert rows == [("b", "2"), ("a", "1")]
        assert found.count("_why > 0") == 1
        assert found.count(table="kept") == 2


def test_a_json_list_that_breaks_off_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(FileRejected, match="cannot be read as json"),
        table(tmp_path, '[{"ITEM_ID": "1"}, {"ITEM_ID": '),
    ):
        pytest.fail("it was read")
