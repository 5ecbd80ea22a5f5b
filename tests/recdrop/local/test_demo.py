"""The demo leaves somebody's data alone, and says what it found in the words of a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from recdrop.local.demo import DemoError, home, product, results, tell_what_next, wait_for
from recdrop.project import DEMO_MARK


def test_the_demo_starts_afresh_where_it_has_been_before(tmp_path: Path) -> None:
    wanted = tmp_path / "data"
    with home(wanted) as folder:
        assert folder == wanted
        (folder / "models").mkdir()
    with home(wanted) as folder:
        assert [path.name for path in folder.iterdir()] == [DEMO_MARK]


def test_data_without_the_mark_is_somebodys_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "theirs").touch()
    with home(tmp_path) as folder:
        assert folder != tmp_path
    assert not folder.exists()
    assert (tmp_path / "theirs").exists()
    assert "holds data of yours" in capsys.readouterr().out


def test_a_product_is_told_by_its_type_or_its_id() -> None:
    assert product({"itemId": "1", "metadata": {"PRODUCT_TYPE": "SUGAR"}}) == "SUGAR"
    assert product({"itemId": "1", "metadata": {}}) == "1"


def test_results_are_told_by_solution() -> None:
    report = {"solutions": [{"solution": "a", "result": "held"}]}
    assert results(report) == {"a": "held"}


def test_what_is_waited_for_in_vain_is_named() -> None:
    with pytest.raises(DemoError, match="waited 0 s for an execution"):
        wait_for(list, "an execution", seconds=0)


def test_what_to_try_next_is_a_command_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_what_next(tmp_path)
    assert "recdrop up --data-dir" in capsys.readouterr().out
    (tmp_path / "Makefile").touch()
    tell_what_next(tmp_path)
    assert "make up" in capsys.readouterr().out
