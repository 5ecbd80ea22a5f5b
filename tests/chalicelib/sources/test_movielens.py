from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.movielens import ADAPTER


def test_tags_alone_are_no_ratings() -> None:
    header = ("userId", "movieId", "tag", "timestamp")
    assert ADAPTER.why(Seen(["tags.csv"], {"tags.csv": header})) is None


def test_the_older_sets_have_no_header_lines() -> None:
    assert ADAPTER.headers["ratings.dat"] == ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP")
    assert (
        ADAPTER.why(Seen(["ml-1m/movies.dat"]))
        == "'ml-1m/movies.dat' is one of MovieLens' older tables"
    )
