"""Objects of a drop bucket, as few words as a test needs."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.documents import ArrivalRecord
from chalicelib.intake.keys import Arrival, recognise

NOW = 10_000.0


def arrived(
    key: str,
    size: int = 10,
    etag: str = "e",
    age: float = 0.0,
    mapped: Mapping[str, str] | None = None,
) -> Arrival:
    """An object of any key that arrived `age` seconds before NOW."""
    return recognise(ArrivalRecord(key=key, etag=etag, size=size, arrived=NOW - age), mapped or {})


def dropped(name: str, size: int = 10, etag: str = "e", age: float = 0.0) -> Arrival:
    """An object of the group "shop"."""
    return arrived(f"shop/{name}", size, etag, age)
