from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.movielens import ADAPTER


def test_tags_alone_are_no_ratings() -> None:
    header = ("userId", "movieId", "tag", "timestamp")
    assert ADAPTER.why(Seen(["tags.csv"], {"tags.csv": header})) is None
