"""Which project is meant, and where what is made of it may be written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recdrop import project

CLONE = Path(__file__).resolve().parents[2]


def make_project(folder: Path) -> Path:
    """A folder that Chalice could deploy."""
    (folder / ".chalice").mkdir(parents=True)
    (folder / "app.py").touch()
    return folder


def test_the_project_here_comes_before_recdrops_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_project(tmp_path / "theirs"))
    assert project.find() == Path()
    monkeypatch.chdir(tmp_path)
    assert project.find() == project.own() == CLONE


def test_an_installed_project_comes_before_what_lies_around_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = make_project(tmp_path / "site-packages" / "recdrop" / "application")
    monkeypatch.setattr(project, "INSTALLED", installed)
    assert project.own() == installed


def test_no_project_names_every_place_that_was_looked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "recdrop"
    monkeypatch.setattr(project, "PACKAGE", package)
    monkeypatch.setattr(project, "INSTALLED", package / "application")
    with pytest.raises(project.ProjectError) as caught:
        project.find(tmp_path)
    for place in (tmp_path, package / "application", package.parent):
        assert repr(str(place)) in str(caught.value)
    assert "app.py and .chalice" in str(caught.value)


def test_nothing_is_written_beside_an_installed_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = make_project(tmp_path / "application")
    assert project.scratch(installed) == installed / ".recdrop"
    monkeypatch.setattr(project, "INSTALLED", installed)
    assert project.scratch(installed) == Path(".recdrop")


def test_a_project_is_put_on_the_path_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for _ in range(2):
        project.put_on_path(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1
