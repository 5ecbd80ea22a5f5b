"""Scores as the service shows them."""

from __future__ import annotations

from recdrop.recommender import Scored

DECIMALS = 7  # as in the answers that its guide prints


def shown_score(scored: Scored) -> float:
    """The score of an item; one that has none is at the end of a ranking, with 0."""
    return round(scored.score or 0.0, DECIMALS)
