"""Whose the data folder is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from recdrop.local.stack import Stack
from recdrop.local.state.files import StateError
from recdrop.local.state.folder import open_folder
from tests.recdrop.conftest import SAMPLE


def test_a_data_folder_belongs_to_one_stack(tmp_path: Path) -> None:
    with ExitStack() as other:
        open_folder(tmp_path, other)
        with pytest.raises(StateError, match="in use by another recdrop"):
            Stack(SAMPLE, personalize=False, data_dir=tmp_path).start()
    with ExitStack() as next_one:
        assert open_folder(tmp_path, next_one) == tmp_path


def test_without_a_data_dir_the_folder_goes_with_the_stack() -> None:
    with ExitStack() as cleanup:
        folder = open_folder(None, cleanup)
        (folder / "models").mkdir()
    assert not folder.exists()
