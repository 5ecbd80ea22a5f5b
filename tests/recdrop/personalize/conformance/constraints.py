"""Requests at the edges of every constraint in the service models, and just outside them.

For each member of each operation's input: the longest, shortest, largest, smallest value that fits,
and values that do not fit by length, range, pattern, enum, type or absence. Everything else in the
request is valid.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.wire.specification import Operation

Path = tuple[str | int, ...]
ABSENT = object()
LONGEST_WITHOUT_MAXIMUM = 16


@dataclass(frozen=True)
class Case:
    operation: str
    path: Path
    edge: str
    body: Any

    @property
    def member(self) -> str:
        """The innermost named member, which a refusal has to name."""
        return next(
            str(step) for step in reversed(self.path) if isinstance(step, str) and step != KEY
        )

    def __str__(self) -> str:
        return f"{self.operation}.{'.'.join(map(str, self.path))} {self.edge}"


def _after(prefix: str, filler: str = "x", suffix: str = "") -> Callable[[int], str | None]:
    def text(length: int) -> str | None:
        room = length - len(prefix) - len(suffix)
        return prefix + filler * room + suffix if room > 0 else None

    return text


def _plain(length: int) -> str:
    return "x" * length


def _any_of(text: Callable[[int], str | None], low: int, high: int) -> str:
    return next(found for length in range(low, high + 1) if (found := text(length)) is not None)


# pattern of the model -> (a text of a length that fits, or None when there is none; a text that
# does not fit)
PATTERNS: dict[str, tuple[Callable[[int], str | None], str]] = {
    r"^[a-zA-Z0-9][a-zA-Z0-9\-_]*": (_after(""), "-bad name!"),
    r"arn:([a-z\d-]+):personalize:.*:.*:.+": (
        _after("arn:aws:personalize:us-east-1:000000000000:thing/"),
        "arn:aws:s3:::bucket",
    ),
    r"(s3|http|https)://.+": (_after("s3://bucket/", suffix="/"), "ftp://bucket/key"),
    r"arn:aws.*:kms:.*:[0-9]{12}:key/.*": (
        _after("arn:aws:kms:us-east-1:000000000000:key/"),
        "arn:aws:kms:us-east-1:0:key/x",
    ),
    r"arn:([a-z\d-]+):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+": (
        _after("arn:aws:iam::000000000000:role/"),
        "arn:aws:iam::0:role/x",
    ),
    r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$": (_plain, "hash#"),
    r"[A-Za-z_][A-Za-z\d_]*": (_after(""), "1column"),
    r"^[A-Za-z_]+$": (_after(""), "column1"),
    r"rate\(\d+ days?\)": (_after("rate(", "7", " days)"), "cron(0 0 * * ? *)"),
    r"\p{ASCII}{0,1500}": (_plain, "caf\u00e9"),
    r"[A-Za-z0-9_]+": (_after(""), "a-b"),
    r"[A-Za-z\d_]+": (_after(""), "a-b"),
    r"^[\x20-\x7E]*[\x21-\x7E]+[\x20-\x7E]*$": (_after(""), "caf\u00e9"),
}

# Members without a pattern whose text is read further: anything else would be refused for its
# meaning.
KEY = "<key>"
WRONG_TYPES: dict[str, Any] = {
    "string": 5,
    "integer": "five",
    "long": "five",
    "double": "half",
    "float": "half",
    "boolean": "true",
    "timestamp": "yesterday",
    "list": {},
    "map": [],
    "structure": "text",
}


def fitting() -> list[Case]:
    """Requests at an edge, on its right side: no constraint may refuse them."""
    return [
        case for operation in PERSONALIZE.operations.values() for case in _cases(operation, _edges)
    ]


def breaking() -> list[Case]:
    """Requests with exactly one value that breaks one constraint."""
    return [
        case for operation in PERSONALIZE.operations.values() for case in _cases(operation, _breaks)
    ]


def example(shape: Shape) -> Any:
    """A value that fits `shape`, with every member and one element in every list and map."""
    if isinstance(shape, StructureShape):
        return {name: example(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [example(shape.member) for _ in range(shape.metadata.get("min", 1) or 1)]
    if isinstance(shape, MapShape):
        return {example(shape.key): example(shape.value)}
    if shape.type_name == "string":
        return (
            shape.metadata["enum"][0]
            if "enum" in shape.metadata
            else _any_of(_text(shape), *_lengths(shape))
        )
    if shape.type_name == "boolean":
        return False
    return shape.metadata.get("min", 1)


Edge = tuple[Path, str, Any]


def _cases(operation: Operation, edges: Callable[[Shape, Path], Iterator[Edge]]) -> Iterator[Case]:
    whole = example(operation.input)
    for path, edge, value in _everywhere(operation.input, (), edges):
        yield Case(operation.name, path, edge, _placed(whole, path, value))


def _everywhere(
    shape: Shape, path: Path, edges: Callable[[Shape, Path], Iterator[Edge]]
) -> Iterator[Edge]:
    if path:
        yield from edges(shape, path)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from _everywhere(member, (*path, name), edges)
            if edges is _breaks and name in shape.required_members:
                yield (*path, name), "absent", ABSENT
    elif isinstance(shape, ListShape):
        yield from _everywhere(shape.member, (*path, 0), edges)
    elif isinstance(shape, MapShape):
        yield from _everywhere(shape.key, (*path, KEY), edges)
        yield from _everywhere(shape.value, (*path, example(shape.key)), edges)


def _edges(shape: Shape, path: Path) -> Iterator[Edge]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string":
        for value in shape.metadata.get("enum", ()):
            yield path, f"value {value}", value
        if "enum" not in shape.metadata:
            for name, length in (("shortest", low), ("longest", high)):
                if length is not None and (value := _text(shape)(length)) is not None:
                    yield path, f"{name} {length}", value
    elif isinstance(shape, ListShape | MapShape):
        for name, size in (("fewest", low), ("most", high)):
            if size is not None:
                yield path, f"{name} {size}", _sized(shape, size)
    else:
        for name, number in (("least", low), ("largest", high)):
            if number is not None:
                yield path, f"{name} {number}", number


def _breaks(shape: Shape, path: Path) -> Iterator[Edge]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if path[-1] != KEY:
        yield path, "wrong type", WRONG_TYPES[shape.type_name]
    if shape.type_name == "string":
        if "enum" in shape.metadata:
            yield path, "unknown value", "NOPE"
        if "pattern" in shape.metadata:
            yield path, "misfit", PATTERNS[shape.metadata["pattern"]][1]
        if low:
            yield path, f"shorter than {low}", "x" * (low - 1)
        if high is not None:
            yield path, f"longer than {high}", _text(shape)(high + 1)
    elif isinstance(shape, ListShape | MapShape):
        if low:
            yield path, f"fewer than {low}", _sized(shape, low - 1)
        if high is not None:
            yield path, f"more than {high}", _sized(shape, high + 1)
    else:
        if low is not None:
            yield path, f"less than {low}", low - 1
        if high is not None:
            yield path, f"more than {high}", high + 1


def _text(shape: Shape) -> Callable[[int], str | None]:
    return PATTERNS[shape.metadata["pattern"]][0] if "pattern" in shape.metadata else _plain


def _lengths(shape: Shape) -> tuple[int, int]:
    return shape.metadata.get("min", 1) or 1, shape.metadata.get("max", LONGEST_WITHOUT_MAXIMUM)


def _sized(shape: ListShape | MapShape, size: int) -> Any:
    if isinstance(shape, ListShape):
        return [example(shape.member) for _ in range(size)]
    names = ("".join(letters) for letters in product(string.ascii_lowercase, repeat=2))
    return {name: example(shape.value) for name in islice(names, size)}


def _placed(inner: Any, path: Path, value: Any) -> Any:
    """`inner` with `value` at `path`; what lies beside the path is shared, not copied."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step == KEY:
        return {value: next(iter(inner.values()))}
    if isinstance(inner, list):
        return [_placed(inner[0], rest, value), *inner[1:]]
    others = {name: member for name, member in inner.items() if name != step}
    return (
        others
        if not rest and value is ABSENT
        else {**others, step: _placed(inner[step], rest, value)}
    )
