"""Exports as the tests of `check` make them: small, and large enough to train."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

from recdrop.checking.checkup import Checkup, check
from recdrop.checking.looking import Look

NOW = 1_763_000_000.0
FIRST = 1_700_000_000


def rows(
    header: str, row: Callable[[int], str] | None = None, count: int = 1200, sep: str = ","
) -> str:
    """A table of purchases: 60 users, 40 items, times that grow. `row` gives the cells of number n."""
    written = row or (lambda n: sep.join((f"u{n % 60}", f"i{n * 7 % 40}", str(FIRST + n * 60))))
    return "\n".join([header, *(written(n) for n in range(count))]) + "\n"


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    """The files below a folder; a name that ends in .gz is packed."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = body if isinstance(body, bytes) else body.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


def checked(path: Path, config: str | None = None, dataset: str | None = None) -> Checkup:
    """A checkup whose clean files are gone by now."""
    with tempfile.TemporaryDirectory() as scratch:
        return check(path, config, dataset, Path(scratch), NOW)


def look(header: str, *lines: str) -> Look:
    """The beginning of a CSV file; an empty cell is null."""
    cells = [tuple(cell or None for cell in line.split(",")) for line in lines]
    return Look("csv", tuple(header.split(",")), tuple(cells), ",", '"')


def assert_config_holds(path: Path) -> Checkup:
    """What `check` promises: the export is accepted with the config it prints; or without any."""
    found = checked(path)
    assert found.is_usable, found.reason
    again = checked(path, found.suggestion.text())
    assert again.is_usable, again.reason
    if not found.needs_config:
        bare = checked(path, "")
        assert bare.is_usable, bare.reason
    return found
