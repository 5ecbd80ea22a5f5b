from __future__ import annotations

import pytest

from chalicelib.sources import registry
from chalicelib.sources.hadoop import HABITS, MARKER


def test_a_finished_folder_has_a_marker() -> None:
    assert MARKER == "_SUCCESS"
    assert HABITS.markers == {MARKER}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (".part-0.csv.crc", "a checksum file"),
        ("interactions_$folder$", "a folder marker"),
        ("crc.csv", None),
        ("$folder$.csv", None),
    ],
)
def test_what_a_committer_leaves_behind_is_no_data(name: str, what: str | None) -> None:
    assert registry.noise(name) == what
