"""One training request, and the ready-made parts every recipe needs from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recdrop.recommender.data.histories import Histories, event_weights, histories
from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.fitting.evaluation import measure_cases, published
from recdrop.recommender.models.base import Header, Model, ModelKind
from recdrop.recommender.models.memory import EventRules

Progress = Callable[[float, str], None]
MOST_TEST_USERS = 2000
TEST_SHARE = 0.1


@dataclass(frozen=True)
class Task:
    """One training request.

    `settings` are the caller's. `fixed` are those that an earlier fit chose: with them nothing is
    searched or measured.
    """

    recipe: str
    kind: ModelKind
    data: TrainingData
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    budget_seconds: float = 30.0
    hpo: bool = False
    progress: Progress = lambda _share, _text: None
    fixed: Mapping[str, Any] | None = None

    @property
    def items(self) -> int:
        return len(self.data.item_ids)

    @property
    def rules(self) -> EventRules:
        return EventRules.from_settings(self.settings)

    def history(self) -> Histories:
        """The histories of the events that count.

        Raises:
            ValueError: None does.
        """
        rules = self.rules
        weights = event_weights(self.data, rules.by_type, rules.value_threshold, rules.event_type)
        found = histories(self.data, weights)
        if not len(found):
            raise ValueError(
                f"Training data has {len(self.data)} events of which none counts. "
                "Expected at least one"
            )
        return found

    def rng(self, purpose: int) -> np.random.Generator:
        """A stream of its own for each purpose: one more draw for one leaves the others as they are."""
        return np.random.default_rng([self.seed, purpose])

    def header(self, chosen: Mapping[str, Any], metrics: Mapping[str, float]) -> Header:
        """The header of a model of this task, with what was chosen in addition."""
        return Header(self.recipe, self.kind, {**self.settings, **chosen}, metrics, self.seed)


@dataclass(frozen=True)
class Split:
    """`rest` are the events of all other users; `others` their codes."""

    rest: Histories
    cases: Cases
    users: Array
    others: Array


def test_split(task: Task, history: Histories) -> Split | None:
    """A tenth of the users, held out completely.

    None when fewer than two users have two events, or when nothing is to be measured.
    """
    if task.fixed is not None:
        return None
    return split_users(history, TEST_SHARE, MOST_TEST_USERS, task.rng(1))


def split_users(
    history: Histories, share: float, limit: int, rng: np.random.Generator
) -> Split | None:
    """Some of the users with two events are held out; None when there are fewer than two such users."""
    if int((np.diff(history.indptr) >= 2).sum()) < 2:
        return None
    users = draw_users(history, share, limit, rng)
    others = np.setdiff1d(np.arange(history.users), users)
    return Split(history.take_users(others), hold_out(history, users), users, others)


def measured(
    task: Task, split: Split | None, build: Callable[[Histories], Model]
) -> dict[str, float]:
    """Metrics, on the held-out users, of the model that `build` makes from the others.

    Empty without a split.
    """
    if split is None:
        return {}
    return published(measure_cases(build(split.rest), task.data, split.cases))
