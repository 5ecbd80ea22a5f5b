from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.plain import ADAPTER


def test_it_is_never_recognised_by_itself() -> None:
    assert ADAPTER.why(Seen(["a.csv"], {"a.csv": ("USER_ID",)})) is None
