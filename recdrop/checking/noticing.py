"""What no rule of Personalize forbids and experience has taught to look at, in the first rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.documents import Finding
from chalicelib.vocabulary.datasets import IDS
from recdrop.checking.checkup import FLOAT_ID, Checkup

_SCIENTIFIC = re.compile(r"-?\d(\.\d+)?[eE]\+?\d+")
MOSTLY = 0.9


def notice(checkup: Checkup) -> Iterator[Finding]:
    """Warnings; what they speak of is accepted all the same."""
    for piece in checkup.judged.pieces:
        look = checkup.looks.get(piece.file.name)
        for column in piece.done.report.columns if piece.done else ():
            if look and column.name in IDS and column.source in look.header:
                values = look.column(look.header.index(column.source))
                yield from _ids(piece.file.name, column.name, values)


def _ids(name: str, column: str, values: list[str]) -> Iterator[Finding]:
    if _share(values, _SCIENTIFIC) > 1 - MOSTLY:
        yield Finding(
            "warning",
            "scientific-ids",
            f"{column} of {name} is written like {_first(values, _SCIENTIFIC)!r}: the last digits are "
            "lost, and different ids may have become the same",
            action="export ids as text; a spreadsheet has spoiled these",
        )
    elif _share(values, FLOAT_ID) >= MOSTLY:
        yield Finding(
            "warning",
            "float-ids",
            f"{column} of {name} is written like {_first(values, FLOAT_ID)!r}. Ids are kept as they "
            "are, so that is how to ask for them",
            action="export ids as text or as whole numbers, or set whole_ids = true in [source]",
        )


def _share(values: list[str], of: re.Pattern[str]) -> float:
    return sum(bool(of.fullmatch(value)) for value in values) / max(len(values), 1)


def _first(values: list[str], of: re.Pattern[str]) -> str:
    return next(value for value in values if of.fullmatch(value))
