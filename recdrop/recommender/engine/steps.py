"""Which settings are tried, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recdrop.recommender.engine.trial import Aids

Step = dict[str, Any]


# Three lengths of memory for the ridge: a session, a usual one, and a long taste.
WINDOWS: tuple[Step, ...] = (
    {"tau": 2.0, "past": 10, "tau_next": 1.0, "next": 3},
    {"tau": 5.0, "past": 20, "tau_next": 2.0, "next": 6},
    {"tau": 20.0, "past": 40, "tau_next": 10.0, "next": 20},
)


MARKOV_WINDOWS = ((5, 2.0), (10, 3.0), (20, 8.0))


MEMORIES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def coordinates(*, repeats: bool, is_large: bool = False) -> Iterator[list[Step]]:
    """Groups of alternatives for what needs a solve, in the order in which they are tried.

    The weights without which these cannot be judged are among them. For large data the dearest
    transitions are left out.
    """
    if repeats:
        # How far back it looks matters as much as whether what was had comes again: they are judged
        # together.
        for memory in (1.0, 5.0, 20.0):
            kinds = [{"repeats": True, "frequency": weight} for weight in (0.0, 1.0, 4.0)]
            yield [
                {**kind, "memory": memory}
                for kind in (*kinds, {"repeats": False, "frequency": 0.0})
            ]
    yield _each("markov", 0.1, 0.2, 0.6, 2.0)
    yield _each("memory", *MEMORIES)
    yield list(WINDOWS)
    yield _each("use_share", 0.1, 0.3, 0.5, 0.7, 1.0)
    yield _each("penalty", 30.0, 100.0, 300.0, 1000.0)
    if not is_large:
        yield [{"markov_window": window, "markov_tau": tau} for window, tau in MARKOV_WINDOWS]


def balances(aids: Aids, *, repeats: bool) -> Iterator[list[Step]]:
    """Groups of alternatives for the weights and memories of the parts, which need no solve.

    The weight of the transitions is tried twice: their memory is chosen only where they weigh.
    """
    markov = _each("markov", 0.0, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0, 4.0)
    yield markov
    yield _each("memory", *MEMORIES)
    yield _each("markov_memory", *MEMORIES[:-1])
    yield markov
    yield _each("tail", 0.0, 0.3, 0.6, 1.0)
    if repeats:
        yield _each("frequency_memory", 10.0, 50.0, 200.0, 1000.0)
        yield _each("frequency", 0.0, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0)
    yield _each("popularity_age", 0.0, 0.03, 0.1, 0.3)
    yield _each("popularity", 0.001, 0.02, 0.05, 0.1, 0.2)
    if aids.content is not None:
        yield [{"content": w, "content_memory": m} for m in (5.0, 30.0) for w in (0.05, 0.15, 0.4)]
    if aids.context is not None:
        yield _each("context", 0.25, 0.5, 1.0, 1.5)
    if aids.profile is not None:
        yield _each("profile", 0.25, 0.5, 1.0)


def cold_memories() -> Iterator[list[Step]]:
    """How much of a history says which new items are liked."""
    yield _each("cold_memory", 5.0, 10.0, 30.0, 100.0, 300.0)


def sequence_weights() -> Iterator[list[Step]]:
    """From a quarter to eight, by half doublings: the search is a single step, so it is a fine one."""
    yield _each("sequence", *(2.0 ** (step / 2) for step in range(-4, 7)))


def _each(name: str, *values: Any) -> list[Step]:
    return [{name: value} for value in values]
