"""Small data sets with a known answer, shared by the tests of the recommender."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recdrop.recommender import Column, TrainingData

LENGTH = 6
STEPS = 4


def two_circles(users: int = 24, seed: int = 0) -> TrainingData:
    """Half of the users go four steps round a1, a2, ... a6, a1, the other half round b1 ... b6; no
    item twice.

    After a2 comes a3, for everyone; the two circles never meet.
    """
    rng = np.random.default_rng(seed)
    rows = [row for user in range(users) for row in _walk(user, int(rng.integers(0, LENGTH)))]
    return from_rows(rows)


def _walk(user: int, start: int) -> list[tuple[str, str, int]]:
    letter = "a" if user % 2 == 0 else "b"
    places = [(start + step) % LENGTH for step in range(STEPS)]
    return [
        (f"user-{user:03d}", f"{letter}{place + 1}", 1000 * user + step)
        for step, place in enumerate(places)
    ]


def weekly_shoppers(users: int = 12, weeks: int = 8) -> TrainingData:
    """Everyone buys an own two items every week: the answer is what the user bought before."""
    rows = []
    for user in range(users):
        for week in range(weeks):
            rows += [
                (f"user-{user:03d}", f"item-{(user + kind) % users:03d}", week * 604_800 + kind)
                for kind in (0, 1)
            ]
    return from_rows(rows)


def with_genres(users: int = 24) -> TrainingData:
    """The two circles with metadata, a new item "a-new" that is like the a items, and a context
    that says the circle.
    """
    rows = [row for user in range(users) for row in _walk(user, user // 2 % LENGTH)]
    genre = {
        f"{letter}{place + 1}": f"genre-{letter}" for letter in "ab" for place in range(LENGTH)
    }
    newest = max(time for _, _, time in rows)
    return TrainingData.from_rows(
        [user for user, _, _ in rows],
        [item for _, item, _ in rows],
        [time for _, _, time in rows],
        context={
            "DEVICE": Column(
                "categorical", np.array([_device(item) for _, item, _ in rows], dtype=object)
            )
        },
        item_columns={
            "GENRE": ("categorical", {**genre, "a-new": "genre-a", "b-new": "genre-b"}),
            "CREATION_TIMESTAMP": (
                "number",
                {**dict.fromkeys(genre, 0), "a-new": newest, "b-new": newest},
            ),
        },
        user_columns={"CLUB": ("categorical", {user: f"club-{item[0]}" for user, item, _ in rows})},
    )


def _device(item: str) -> str:
    return "phone" if item[0] == "a" else "desktop"


def ratings(users: int = 40, items: int = 30, seed: int = 0) -> TrainingData:
    """Ratings 1 to 5 of one hidden taste per user and item: rank one plus a little noise."""
    rng = np.random.default_rng(seed)
    taste, kind = rng.standard_normal(users), rng.standard_normal(items)
    pairs = [(user, item) for user in range(users) for item in range(items) if rng.random() < 0.6]
    values = [
        float(np.clip(np.round(3 + 1.5 * taste[u] * kind[i] + 0.1 * rng.standard_normal()), 1, 5))
        for u, i in pairs
    ]
    return TrainingData.from_rows(
        [f"user-{user:03d}" for user, _ in pairs],
        [f"item-{item:03d}" for _, item in pairs],
        list(range(len(pairs))),
        event_values=values,
    )


def from_rows(rows: Sequence[tuple[str, str, int]]) -> TrainingData:
    return TrainingData.from_rows(
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    )
