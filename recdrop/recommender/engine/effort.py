"""How much the search for settings may try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Bounds of the search for settings.

    `events` to learn from, `cases` (questions) and their `truths` (true items), `scores` per step
    (questions x items), and `rounds` over the coordinates. `tried_head` is the size of the head while
    what needs a solve is searched, `head` that of the model.
    """

    events: int
    cases: int
    truths: int
    scores: int
    rounds: int
    tried_head: int
    head: int

    @classmethod
    def of(cls, budget_seconds: float, *, hpo: bool) -> Effort:
        """Grows with the budget, measured against the usual 30 seconds; never read from a clock.

        A solve is cubic in the head, so a head grows with the cube root of the budget.
        """
        scale = max(0.1, budget_seconds / 30)
        wide = 3 if hpo else 1
        return cls(
            events=int(500_000 * scale * wide),
            cases=int(2000 * scale**0.5),
            truths=int(6000 * (scale * wide) ** 0.5),
            scores=int(20_000_000 * scale),
            rounds=3 if hpo else 1,
            tried_head=min(4000, int((2500 if hpo else 1500) * scale**0.33)),
            head=min(8000 if hpo else 5000, int((5000 if hpo else 4000) * scale**0.33)),
        )
