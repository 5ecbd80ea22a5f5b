"""User segments: who is likeliest to take an item (item-affinity) or items of a kind
(item-attribute-affinity).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from recdrop.recommender.data.histories import Histories, decay, steps_back
from recdrop.recommender.data.records import Array
from recdrop.recommender.engine.scores import Engine, Settings, train
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.fitting.validation import choose_settings
from recdrop.recommender.metrics import COVERAGE
from recdrop.recommender.models.base import Base, Header, Vocabulary
from recdrop.recommender.models.personal import engine_arrays, engine_from_arrays
from recdrop.recommender.parts.ranking import top

TRUTH_SHARE = 0.2
MOST_ITEMS_ASKED = 300
OWN_SHARE = 0.5


class SegmentModel(Base):
    """Scores all users for an item in one sparse product: no matrix of users x items is ever made."""

    def __init__(self, header: Header, arrays: Mapping[str, Array]) -> None:
        super().__init__(header, arrays)
        self._vocabulary = Vocabulary.from_arrays(arrays)
        self._engine = engine_from_arrays(header.settings, arrays)
        self._taste = tastes(self._vocabulary, self._engine)

    def segment(self, items: str | Array, n: int = 25) -> list[str]:
        """The `n` users with the highest affinity, best first, for an item id or a bool mask of
        items (an attribute).

        An unknown item, or a mask of none, gives the most active users.
        """
        wanted = self._wanted(items)
        return [self._vocabulary.users.name(int(code)) for code in top(self.affinity(wanted), n)]

    def affinity(self, wanted: Array) -> Array:
        """float32[users] for item codes."""
        activity: Array = np.diff(self._taste.indptr).astype(np.float32)
        activity = activity / max(1.0, float(activity.max(initial=0)))
        if not len(wanted):
            return activity
        found: Array = self._taste @ self._pull(wanted) + 1e-6 * activity
        return found

    def _wanted(self, items: str | Array) -> Array:
        if isinstance(items, str):
            code = self.item_index(items)
            return np.array([] if code is None else [code], dtype=np.int64)
        if len(items) != len(self._items):
            raise ValueError(
                f"Item mask has length {len(items)}. Expected {len(self._items)}, one per item"
            )
        return np.flatnonzero(items)

    def _pull(self, wanted: Array) -> Array:
        """float32[items]: how much each item of a history speaks for the wanted ones, and these for
        themselves.
        """
        engine, size = self._engine, len(self._items)
        pull = np.zeros(size, dtype=np.float32)
        columns = engine.head.place[wanted]
        pull[engine.head.items] += engine.weights[:, columns[columns >= 0]].sum(axis=1)
        member = np.zeros(size, dtype=np.float32)
        member[wanted] = 1
        markov = engine.markov.matrix(size) @ member
        pull = _unit(pull) + np.float32(engine.settings.markov) * _unit(markov)
        if self.recipe == "item-attribute-affinity" or engine.settings.repeats:
            pull = pull + np.float32(OWN_SHARE) * member
        return pull


def tastes(vocabulary: Vocabulary, engine: Engine) -> sparse.csr_matrix:
    """CSR [users, items]: each history's weights, decayed, summing to 1."""
    starts, users = vocabulary.indptr, len(vocabulary.users)
    decayed = vocabulary.weight * decay(
        steps_back(starts, vocabulary.tied), 3 * engine.settings.memory
    )
    user = np.repeat(np.arange(users), np.diff(starts))
    total = np.bincount(user, decayed, minlength=users)
    cells = (decayed / np.maximum(total[user], 1e-9), vocabulary.item, starts)
    return sparse.csr_matrix(cells, shape=(users, engine.items), dtype=np.float32)


def fit_segments(task: Task) -> SegmentModel:
    history = task.history()
    chosen = choose_settings(task, history, extra=False).settings
    task.progress(0.4, "Scoring withheld events")
    metrics = {} if task.fixed is not None else _held_out_metrics(task, history, chosen)
    task.progress(0.7, "Training on all users")
    return build(task, history, train(history, task.items, chosen), metrics)


def build(
    task: Task, history: Histories, engine: Engine, metrics: Mapping[str, float] | None = None
) -> SegmentModel:
    header = task.header(engine.settings.as_dict(), metrics or {})
    return SegmentModel(
        header, {**Vocabulary.of(task.data, history).arrays(), **engine_arrays(engine)}
    )


def _held_out_metrics(task: Task, history: Histories, chosen: Settings) -> dict[str, float]:
    older, newer = _newest_fifth(history)
    return (
        _measure(build(task, older, train(older, task.items, chosen)), newer) if len(newer) else {}
    )


def _measure(model: SegmentModel, newer: Histories) -> dict[str, float]:
    """Hit and recall among the top 1 % of users, for the most used items of the withheld fifth."""
    width = max(1, round(newer.users * 0.01))
    counts = np.bincount(newer.item, minlength=len(model.item_ids))
    asked = top(counts.astype(np.float32), min(MOST_ITEMS_ASKED, int((counts > 0).sum())))
    owner = newer.user_of_event()
    hits, recalls, shown = [], [], set()
    for code in asked.tolist():
        segment = top(model.affinity(np.array([code])), width)
        truth = np.unique(owner[newer.item == code])
        found = len(np.intersect1d(segment, truth))
        hits.append(float(found > 0))
        recalls.append(found / min(width, len(truth)))
        shown.update(segment.tolist())
    return {
        COVERAGE: round(len(shown) / newer.users, 6),
        "hits_at_1_percent": round(float(np.mean(hits)), 6),
        "recall_at_1_percent": round(float(np.mean(recalls)), 6),
    }


def _newest_fifth(history: Histories) -> tuple[Histories, Histories]:
    lengths = np.diff(history.indptr)
    held = np.where(lengths >= 2, np.maximum(1, np.round(lengths * TRUTH_SHARE)), 0).astype(
        np.int64
    )
    place = np.arange(len(history)) - np.repeat(history.indptr[:-1], lengths)
    newer = place >= np.repeat(lengths - held, lengths)
    return history.take_events(~newer), history.take_events(newer)


def _unit(values: Array) -> Array:
    largest = float(np.abs(values).max(initial=0))
    return values / largest if largest > 0 else values
