"""From the export's column names to Personalize's: config first, then spelling.

A near miss is named in the message, never guessed: a wrong guess would train a wrong model.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.normalise.errors import FileRejected
from chalicelib.vocabulary.datasets import DATASETS, Dataset

# Names that other tools use: never mapped by themselves, only named when a column is missing.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "USER_ID": (
        "customer_id",
        "visitor_id",
        "household_id",
        "account_id",
        "member_id",
        "client_id",
        "profile_id",
        "uid",
        "id",
    ),
    "ITEM_ID": (
        "product_id",
        "movie_id",
        "sku",
        "article_id",
        "asin",
        "content_id",
        "video_id",
        "song_id",
        "products_sku",
        "id",
    ),
    "TIMESTAMP": (
        "event_time",
        "created_at",
        "ordered_at",
        "epoch",
        "time",
        "date",
        "datetime",
        "ts",
        "occurred_at",
    ),
    "EVENT_TYPE": ("event", "event_name", "action", "type"),
    "ACTION_ID": ("action", "offer_id"),
}


@dataclass(frozen=True)
class Column:
    """Column `index` of the file, called `source` there, becomes `name`."""

    index: int
    source: str
    name: str


def map_columns(
    dataset: str, header: Sequence[str], mapped: Mapping[str, str] | None = None
) -> list[Column]:
    """The columns of the clean file, in the order of `header`.

    `mapped` is target -> source name (config's `columns`). Without an exact name, case, blanks and
    punctuation do not count. What is not Personalize's own keeps its name, as metadata.

    Raises:
        FileRejected: a required column is missing (with near names), or two columns of the header
            share the name of one that is used.
    """
    kind = DATASETS[dataset]
    taken = _explicit(header, mapped or {})
    for target in kind.own:
        index = None if target in taken else _find(target, header, set(taken.values()))
        if index is not None:
            taken[target] = index
    _check_required(kind, taken, header)
    _check_twice(header, taken)

    own = [target for target in kind.own if target in taken]
    others = [target for target in taken if target not in own]
    columns = [Column(taken[target], header[taken[target]], target) for target in (*own, *others)]
    columns += _metadata(header, columns)
    return sorted(columns, key=lambda column: column.index)


def avro_name(source: str) -> str:
    """`Member class` -> `MEMBER_CLASS`; empty when nothing usable is left."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", source.strip()).strip("_").upper()
    # DuckDB's name for the number of a row: such a column would hide it.
    if name == "ROWID":
        return "ROW_ID"
    return f"C_{name}" if name[:1].isdigit() else name


def _bare(name: str) -> str:
    """Personalize tells fields apart by letters and digits only."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _explicit(header: Sequence[str], mapped: Mapping[str, str]) -> dict[str, int]:
    """The index of each target that the config maps: by exact spelling, else in any case.

    Absent names are no error, since one config serves several files.
    """
    taken: dict[str, int] = {}
    for target, source in mapped.items():
        exact = [i for i, name in enumerate(header) if name == source]
        similar = [i for i, name in enumerate(header) if name.lower() == source.lower()]
        if exact or similar:
            taken[avro_name(target)] = (exact or similar)[0]
    return taken


def _find(target: str, header: Sequence[str], used: set[int]) -> int | None:
    same = [i for i, name in enumerate(header) if i not in used and name == target]
    like = [i for i, name in enumerate(header) if i not in used and _bare(name) == _bare(target)]
    return next(iter(same or like), None)


def _metadata(header: Sequence[str], taken: Sequence[Column]) -> list[Column]:
    """All other columns. Of two that Personalize could not tell apart, the first is kept."""
    used = {column.index for column in taken}
    seen = {_bare(column.name) for column in taken}
    columns = []
    for index, source in enumerate(header):
        name = avro_name(source)
        if index not in used and name and _bare(name) not in seen:
            seen.add(_bare(name))
            columns.append(Column(index, source, name))
    return columns


def _check_required(kind: Dataset, taken: Mapping[str, int], header: Sequence[str]) -> None:
    if missing := [name for name in kind.required if name not in taken]:
        raise FileRejected("header", _missing(kind, missing, header))


def _missing(kind: Dataset, missing: Sequence[str], header: Sequence[str]) -> str:
    text = (
        f"The header has no {' and no '.join(missing)}. "
        f"Expected {', '.join(kind.required)}; found {', '.join(header)}."
    )
    if _looks_like_data(header):
        text += (
            " The first line looks like a row: if the files have no header line, "
            "name the columns in recdrop.toml: [source] header = [...]"
        )
        return text
    near = {name: near for name in missing if (near := _near(name, header))}
    if near:
        pairs = ", ".join(f'{name} = "{source}"' for name, source in near.items())
        text += f" Should it be so? Then add to recdrop.toml: [source] columns = {{ {pairs} }}"
    return text


def _looks_like_data(header: Sequence[str]) -> bool:
    return any(re.fullmatch(r"-?\d{9,19}(\.\d+)?|\d{4}-\d\d-\d\d.*", cell) for cell in header)


def _near(target: str, header: Sequence[str]) -> str | None:
    bare = {_bare(name): name for name in header}
    for alias in _ALIASES.get(target, ()):
        if _bare(alias) in bare:
            return bare[_bare(alias)]
    close = difflib.get_close_matches(_bare(target), list(bare), n=1, cutoff=0.6)
    return bare[close[0]] if close else None


def _check_twice(header: Sequence[str], taken: Mapping[str, int]) -> None:
    for name, index in taken.items():
        twice = [h for i, h in enumerate(header) if i != index and h == header[index]]
        if twice:
            raise FileRejected(
                "header",
                f"The header has column {header[index]!r} twice, and {name} comes from it. "
                "Expected it once.",
            )
