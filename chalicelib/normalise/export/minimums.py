"""What Personalize asks of interactions before it imports or trains (its quota page, 2025-11)."""

from __future__ import annotations

from dataclasses import dataclass

MIN_INTERACTIONS = 1000
MIN_USERS_WITH_TWO = 25
# Its data insights warn below this: hardly a user can be evaluated then.
MIN_SHARE_WITH_TWO = 0.01
MAX_EVENT_TYPES = 10


@dataclass(frozen=True)
class UserCounts:
    """Over all interactions of an export: users, those with two or more of them, and items.

    `is_exact` is False of bounds: with several files whose rows nobody has counted together.
    """

    users: int
    with_two: int
    items: int = 0
    is_exact: bool = True

    @property
    def can_train(self) -> bool:
        """Whether enough users have two interactions, in number and as a share of all."""
        return self.with_two >= max(MIN_USERS_WITH_TWO, MIN_SHARE_WITH_TWO * self.users)
