"""Fits the segment recipes: the engine without the sequence model, measured on the newest events."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recdrop.recommender.data.histories import Histories
from recdrop.recommender.engine.scores import Engine
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.training import train
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.fitting.validation import choose_settings
from recdrop.recommender.metrics import COVERAGE
from recdrop.recommender.models.memory import Vocabulary
from recdrop.recommender.models.segments import SegmentModel
from recdrop.recommender.parts.ranking import top

TRUTH_SHARE = 0.2


MOST_ITEMS_ASKED = 300


def fit_segments(task: Task) -> SegmentModel:
    """Chooses the engine's settings, measures on withheld events, trains on all.

    Without the sequence model: it has no column to be read backwards.
    """
    history = task.history()
    chosen = choose_settings(task, history, extra=False).settings
    task.progress(0.4, "Scoring withheld events")
    metrics = {} if task.fixed is not None else _held_out_metrics(task, history, chosen)
    task.progress(0.7, "Training on all users")
    return build(task, history, train(history, task.items, chosen), metrics)


def build(
    task: Task, history: Histories, engine: Engine, metrics: Mapping[str, float] | None = None
) -> SegmentModel:
    """A segment model of an engine; without metrics, one to be measured."""
    header = task.header(engine.settings.as_dict(), metrics or {})
    return SegmentModel(header, {**Vocabulary.of(task.data, history).arrays(), **engine.arrays()})


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
    """The older four fifths of each history and its newest fifth, at least one event of two."""
    lengths = np.diff(history.indptr)
    held = np.where(lengths >= 2, np.maximum(1, np.round(lengths * TRUTH_SHARE)), 0).astype(
        np.int64
    )
    place = np.arange(len(history)) - np.repeat(history.indptr[:-1], lengths)
    newer = place >= np.repeat(lengths - held, lengths)
    return history.take_events(~newer), history.take_events(newer)
