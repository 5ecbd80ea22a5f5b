"""GroupLens' MovieLens: ratings.csv (userId, movieId, rating, timestamp), movies.csv, tags.csv."""

from __future__ import annotations

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "movielens",
    "GroupLens, as MovieLens",
    signs=(
        Sign(
            "MovieLens' table of ratings",
            columns=frozenset({"userid", "movieid", "rating", "timestamp"}),
        ),
        Sign("MovieLens' table of films", columns=frozenset({"movieid", "title", "genres"})),
    ),
    columns={"USER_ID": "userId", "ITEM_ID": "movieId", "EVENT_VALUE": "rating"},
)
