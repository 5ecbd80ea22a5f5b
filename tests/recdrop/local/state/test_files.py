"""JSON with bytes in it, and files that are replaced as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recdrop.local.state.files import decode, encode, replace


def test_bytes_survive_json() -> None:
    value = {"b": b"\x00\xff", "n": {"inner": [b""]}}
    assert json.loads(json.dumps(value, default=encode), object_hook=decode) == value
    with pytest.raises(TypeError, match="cannot be kept"):
        json.dumps({"when": object()}, default=encode)


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    replace(path, b"old")
    with pytest.raises(TypeError):
        replace(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
