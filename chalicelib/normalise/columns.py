"""From the export's column names to Personalize's: config first, then spelling; a near miss is
named, never guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.normalise.errors import FileRejected

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    "items": ("ITEM_ID",),
    "users": ("USER_ID",),
    "actions": ("ACTION_ID",),
    "action_interactions": ("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP"),
}
RESERVED: Mapping[str, tuple[str, ...]] = {
    "interactions": (
        "EVENT_TYPE",
        "EVENT_VALUE",
        "IMPRESSION",
        "RECOMMENDATION_ID",
        "EVENT_ATTRIBUTION_SOURCE",
    ),
    "items": ("CREATION_TIMESTAMP",),
    "users": (),
    "actions": ("CREATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY", "VALUE"),
    "action_interactions": ("RECOMMENDATION_ID", "IMPRESSION"),
}
IDS = ("USER_ID", "ITEM_ID", "ACTION_ID")
TIMES = ("TIMESTAMP", "CREATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP")
# The key of a row that replaces an earlier one; interactions and action interactions have none.
KEYS: Mapping[str, str] = {"items": "ITEM_ID", "users": "USER_ID", "actions": "ACTION_ID"}

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
# Raw calls as Segment's S3 destination writes them.
SEGMENT_FIELDS: Mapping[str, str] = {
    "USER_ID": "userId",
    "ITEM_ID": "properties.sku",
    "EVENT_TYPE": "event",
    "TIMESTAMP": "timestamp",
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
    """The columns of the clean file, in file order.

    `mapped` is target -> source name (config's `columns`). Without an exact name, case, blanks and
    punctuation do not count.

    :raises FileRejected: a required column is missing (with near names), a mapped one is, or two
        columns share a name.
    """
    taken = _explicit(header, mapped or {})
    for target in (*REQUIRED[dataset], *RESERVED[dataset]):
        if (
            target not in taken
            and (index := _find(target, header, set(taken.values()))) is not None
        ):
            taken[target] = index
    if missing := [name for name in REQUIRED[dataset] if name not in taken]:
        raise FileRejected("header", _missing(dataset, missing, header))
    _check_twice(header, taken)
    wanted = [name for name in (*REQUIRED[dataset], *RESERVED[dataset]) if name in taken]
    columns = [Column(taken[name], header[taken[name]], name) for name in wanted]
    used = set(taken.values())
    columns += [
        Column(taken[name], header[taken[name]], name) for name in taken if name not in wanted
    ]
    seen = {_bare(column.name) for column in columns}
    for index, source in enumerate(header):
        name = avro_name(source)
        if index not in used and name and _bare(name) not in seen:
            seen.add(_bare(name))
            columns.append(Column(index, source, name))
    return sorted(columns, key=lambda column: column.index)


def avro_name(source: str) -> str:
    """`Member class` -> `MEMBER_CLASS`; empty when nothing usable is left."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", source.strip()).strip("_").upper()
    return f"C_{name}" if name[:1].isdigit() else name


def _bare(name: str) -> str:
    """Personalize tells fields apart by letters and digits only."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _explicit(header: Sequence[str], mapped: Mapping[str, str]) -> dict[str, int]:
    taken: dict[str, int] = {}
    for target, source in mapped.items():
        index = next((i for i, h in enumerate(header) if h == source), None)
        if index is None:
            index = next((i for i, h in enumerate(header) if h.lower() == source.lower()), None)
        if index is not None:
            taken[avro_name(target)] = index
    return taken


def _find(target: str, header: Sequence[str], used: set[int]) -> int | None:
    same = [i for i, name in enumerate(header) if i not in used and name == target]
    like = [i for i, name in enumerate(header) if i not in used and _bare(name) == _bare(target)]
    return next(iter(same or like), None)


def _missing(dataset: str, missing: Sequence[str], header: Sequence[str]) -> str:
    text = f"The header has no {' and no '.join(missing)}. Expected {', '.join(REQUIRED[dataset])}; found {', '.join(header)}."
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
                f"The header has column {header[index]!r} twice, and {name} comes from it. Expected it once.",
            )
