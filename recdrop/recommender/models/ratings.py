"""Rating prediction ("svd"): single ratings, a user's best items, or everyone's, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recdrop.recommender.data.records import Array, Query, Scored
from recdrop.recommender.models.base import Header, Model, popular_items
from recdrop.recommender.models.memory import EventRules, Vocabulary, whole_history
from recdrop.recommender.parts.factors import Factors
from recdrop.recommender.parts.ranking import top

USERS_PER_BLOCK = 256
CERTAINTY_OF_FITTED = 0.25


class RatingModel(Model):
    """`scale` float64[2] is the lowest and highest rating seen; every prediction stays within."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._factors = Factors(
            float(arrays["mean"][0]), arrays["user_factors"], arrays["item_factors"]
        )
        self._popularity = arrays["popularity"]
        self._prior = Prior(
            arrays["prior_mean"], arrays["prior_covariance"], float(arrays["noise"][0])
        )
        self._low, self._high = (float(value) for value in arrays["scale"])

    def predict(self, user_id: str, item_id: str) -> float:
        """The rating expected of a pair.

        Of an unknown item it is the mean, of an unknown user that of the typical one.
        """
        code = self.item_index(item_id)
        if code is None:
            return self._factors.mean
        return float(self._expected(Query(user_id=user_id))[code])

    def recommend(
        self,
        query: Query,
        n: int = 25,
        *,
        allowed: Array | None = None,
        exploration_weight: float = 0.3,
        exploration_item_age_cut_off: float = 30,
        seed: int = 0,
    ) -> list[Scored]:
        """The unrated items with the highest expected rating; that is the score."""
        del exploration_weight, exploration_item_age_cut_off, seed
        rated = whole_history(self._vocabulary, EventRules.from_settings(self.settings), query).item
        if not len(rated):
            return popular_items(self._items, self._popularity, n, allowed)
        free = np.ones(len(self._items), dtype=bool) if allowed is None else allowed.copy()
        free[rated] = False
        return self._best(self._expected(query), free, n)

    def rank(self, query: Query, items: Sequence[str]) -> list[Scored]:
        """By expected rating; unknown items last, in the given order, with score 0."""
        expected = self._expected(query)
        return self._in_order(items, lambda code: float(expected[code]))

    def recommend_all(
        self, n: int = 10, *, include_rated: bool = False
    ) -> Iterator[tuple[str, list[Scored]]]:
        """Every user's top `n`, in order of user id.

        Memory is bounded by a block of users, not users x items.
        """
        users = self._factors.users
        for start in range(0, len(users), USERS_PER_BLOCK):
            block = (
                self._factors.mean + users[start : start + USERS_PER_BLOCK] @ self._factors.items.T
            )
            for place, expected in enumerate(np.clip(block, self._low, self._high)):
                name = self._vocabulary.users.name(start + place)
                free = np.ones(len(self._items), dtype=bool)
                if not include_rated:
                    free[self._vocabulary.history(name)[0]] = False
                yield name, self._best(expected, free, n)

    def _best(self, expected: Array, free: Array, n: int) -> list[Scored]:
        return [
            Scored(self._items.name(int(code)), float(expected[code]))
            for code in top(expected, n, free)
        ]

    def _expected(self, query: Query) -> Array:
        """float[items], within the scale."""
        raw = self._factors.mean + self._factors.items @ self._user_vector(query)
        found: Array = np.clip(raw, self._low, self._high)
        return found

    def _user_vector(self, query: Query) -> Array:
        """The fitted vector, moved by newer ratings; a new user starts from the typical one."""
        code = None if query.user_id is None else self._vocabulary.users.index(query.user_id)
        prior = self._prior if code is None else self._prior.around(self._factors.users[code])
        rated = [
            (at, event.event_value)
            for event in query.events
            if (at := self.item_index(event.item_id)) is not None
        ]
        known = [(at, float(value)) for at, value in rated if value is not None]
        if not known:
            return prior.mean.ravel()
        items = self._factors.items[[at for at, _ in known]]
        return prior.given(items, np.array([value for _, value in known]) - self._factors.mean)


@dataclass(frozen=True)
class Prior:
    """What is known of a user before any rating: a Gaussian in each draw of the factors.

    `mean` is float32[draws, rank], `covariance` float32[draws, rank, rank]; `noise` is the variance
    of a rating around its prediction.
    """

    mean: Array
    covariance: Array
    noise: float

    def around(self, fitted: Array) -> Prior:
        """Of a user who was fitted: newer ratings still move the vector, but less."""
        return Prior(
            fitted.reshape(self.mean.shape), self.covariance * CERTAINTY_OF_FITTED, self.noise
        )

    def given(self, items: Array, rest: Array) -> Array:
        """float32[draws x rank]: the posterior mean in each draw, after some ratings.

        `items` are rows of the stored factors, `rest` the ratings above the mean. This is the usual
        update of a Gaussian: mean + C x' (x C x' + noise)^-1 (rest - x mean).
        """
        draws, rank = self.mean.shape
        # Each draw predicts the whole rating; the stored factors hold the share of one of `draws`.
        seen = items.reshape(len(items), draws, rank).transpose(1, 0, 2).astype(np.float64) * draws
        reach = seen @ self.covariance
        missing = rest - (seen @ self.mean[:, :, None])[:, :, 0]
        kernel = (
            reach @ seen.transpose(0, 2, 1)
            + self.noise * np.eye(len(items))
            # The same item may be rated twice, and the noise of a perfect fit is 0: keep it solvable.
            + 1e-9 * np.eye(len(items))
        )
        moved = reach.transpose(0, 2, 1) @ np.linalg.solve(kernel, missing[:, :, None])
        found: Array = (self.mean + moved[:, :, 0]).ravel().astype(np.float32)
        return found
