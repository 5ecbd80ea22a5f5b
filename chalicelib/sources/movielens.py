"""GroupLens' MovieLens: ratings.csv (userId, movieId, rating, timestamp), movies.csv, tags.csv.

The older sets have no header lines: 1M and 10M write `1::1193::5::978300760` in Latin-1, 100K tabs.
"""

from __future__ import annotations

import re

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "movielens",
    "GroupLens, as MovieLens",
    signs=(
        Sign(
            "MovieLens' table of ratings",
            columns=frozenset({"userid", "movieid", "rating", "timestamp"}),
        ),
        Sign(
            "one of MovieLens' older tables",
            re.compile(r"(^|/)((ratings|movies|users)\.dat|u\.(data|user))$"),
        ),
        Sign("MovieLens' table of films", columns=frozenset({"movieid", "title", "genres"})),
    ),
    headers={
        "ratings.dat": ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP"),
        "movies.dat": ("ITEM_ID", "TITLE", "GENRES"),
        "users.dat": ("USER_ID", "GENDER", "AGE", "OCCUPATION", "ZIP"),
        "u.data": ("USER_ID", "ITEM_ID", "EVENT_VALUE", "TIMESTAMP"),
        "u.user": ("USER_ID", "AGE", "GENDER", "OCCUPATION", "ZIP"),
    },
    columns={"USER_ID": "userId", "ITEM_ID": "movieId", "EVENT_VALUE": "rating"},
)
