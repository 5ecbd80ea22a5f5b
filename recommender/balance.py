"""Weighs head against tail on the whole catalogue, which the search, looking at the most used items, cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from recommender.data import Array
from recommender.engine import Engine, Settings
from recommender.metrics import ndcg
from recommender.ranking import top
from recommender.search import CUTOFF, Step, is_better
from recommender.split import Cases

LEAST_QUESTIONS = 60
MOST_QUESTIONS = 250
SCORES = 5_000_000
LEAST_TAIL = 0.35


def balance(engine: Engine, cases: Cases) -> Settings:
    """The engine's settings with the weights of its parts moved where that helps on these questions."""
    asked = min(len(cases), max(LEAST_QUESTIONS, min(MOST_QUESTIONS, SCORES // engine.items)))
    places = np.unique(np.linspace(0, len(cases) - 1, asked).astype(int))
    best, gains = engine.settings, _gains(engine, cases, places)
    for alternatives in _coordinates(engine.settings):
        for step in alternatives:
            candidate = best.but(**step)
            if candidate == best:
                continue
            found = _gains(replace(engine, settings=candidate), cases, places)
            if is_better(found, gains):
                best, gains = candidate, found
    return best


def _coordinates(settings: Settings) -> Iterator[list[Step]]:
    yield [{"tail": value} for value in (0.0, 0.6, 1.0, 1.5)]
    yield [{"markov": value} for value in (0.1, 0.35, 0.7, 1.2, 2.0, 4.0)]
    if settings.frequency:
        yield [{"frequency": settings.frequency * factor} for factor in (0.5, 2.0, 4.0, 8.0)]
        yield [{"frequency_memory": settings.frequency_memory * factor} for factor in (0.5, 2.0)]
    yield [{"markov_memory": value} for value in (0.7, 1.5, 4.0, 10.0)]


def _gains(engine: Engine, cases: Cases, places: Array) -> Array:
    return np.array([_gain(engine, cases, int(place)) for place in places])


def _gain(engine: Engine, cases: Cases, place: int) -> float:
    span = cases.known.of(place)
    item = cases.known.item[span]
    scores = engine.scores(item, cases.known.weight[span])
    if not engine.settings.repeats:
        scores[item] = -np.inf
    truth = cases.truth[cases.starts[place] : cases.starts[place + 1]].tolist()
    return ndcg(top(scores, CUTOFF).tolist(), truth, CUTOFF)
