"""What `recdrop fix` writes: the files that would be imported, and what is not in them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.documents import Counted
from chalicelib.normalise.export.shaping import shape_csv
from chalicelib.normalise.rows.files import Normalised
from chalicelib.normalise.rows.rules import NOT_BAD
from recdrop.checking.checkup import Checkup

LEFT_OUT = "_left_out.jsonl"  # a drop bucket ignores names that begin so


@dataclass(frozen=True)
class Fixed:
    """`files` were written, by dataset; `left_out` counts the lines of that file."""

    files: dict[str, list[Path]]
    left_out: int


def write(checkup: Checkup, folder: Path) -> Fixed:
    """The clean files as `folder/<dataset>/part-00000.csv`, with the columns of the schema.

    `folder/_left_out.jsonl` has a line (file, line, reason, text) for each row that could not be used
    (up to 10,000 a file), each file that could not, and each kind of row that is no fault, such as
    exact copies. There is no such file when nothing was left out.
    """
    judged, files = checkup.judged, dict[str, list[Path]]()
    for dataset, parts in judged.parts().items():
        plan = (judged.plans or {}).get(dataset)
        target = folder / dataset
        target.mkdir(parents=True, exist_ok=True)
        for index, part in enumerate(parts):
            clean = target / f"part-{index:05}.csv"
            if plan is None or not shape_csv(part, clean, plan.schema):
                shutil.copyfile(part, clean)
            files.setdefault(dataset, []).append(clean)
        shutil.rmtree(target / "scratch", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return Fixed(files, _write_left_out(checkup, folder / LEFT_OUT))


def _write_left_out(checkup: Checkup, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for line in _left_out(checkup):
            out.write(line)
            count += 1
    if not count:
        path.unlink()
    return count


def _left_out(checkup: Checkup) -> Iterator[str]:
    whole = dict(checkup.ignored)
    whole |= {rejection.key: rejection.reason for rejection in checkup.judged.rejected}
    for name, reason in whole.items():
        entry = {"file": name, "line": None, "reason": reason, "text": None}
        yield json.dumps(entry, ensure_ascii=False) + "\n"
    for piece in checkup.judged.pieces:
        if piece.done and piece.done.quarantine:
            with piece.done.quarantine.open(encoding="utf-8") as rows:
                yield from rows
        if piece.done:
            yield from (_counted(piece.file.name, drop) for drop in _no_faults(piece.done))


def _no_faults(done: Normalised) -> Iterator[Counted]:
    """Rows that are left out and not in quarantine: copies, and what the config does not want."""
    codes = ("duplicate", *NOT_BAD)
    return (drop for drop in done.report.dropped if drop.code in codes)


def _counted(name: str, drop: Counted) -> str:
    """One line for all of a kind; `line` is that of the first."""
    line = next(iter(drop.lines), None)
    reason = f"{drop.rows:,} {'row' if drop.rows == 1 else 'rows'}: they {drop.sentence}"
    entry = {"file": name, "line": line, "reason": reason, "text": None}
    return json.dumps(entry, ensure_ascii=False) + "\n"
