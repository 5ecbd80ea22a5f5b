"""Chooses the settings of the user recipes on validation users.

They are no part of what the tried models are made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from recdrop.recommender.data.histories import Histories, items_repeat
from recdrop.recommender.data.records import Array, TrainingData
from recdrop.recommender.data.split import EARLIER_ENDS, LONG, TRUTH_SHARE, Cases, hold_out, join
from recdrop.recommender.engine.effort import Effort
from recdrop.recommender.engine.search import search
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.steps import balances, cold_memories, coordinates, sequence_weights
from recdrop.recommender.engine.trial import Aids, Trial, Unseen
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.parts.content import Content
from recdrop.recommender.parts.lifts import Lifts, case_lifts, learn_lifts, row_values
from recdrop.recommender.parts.neural import train_sequence
from recdrop.recommender.parts.sequence import SequenceNet

VALIDATION_SHARE = 0.25
LEAST_USERS = 300
MOST_FOLDS = 2
# The cost of transitions grows with their window.
LARGE_DATA = {"markov_window": 10, "markov_tau": 3.0}
# Items that are hidden to ask how new ones are to be ordered.
HIDDEN_SHARE = 0.1
MOST_HIDDEN = 2000
NEURAL_BUDGETS = 4
# What makes a fit several times dearer has to earn it.
NEURAL_BAR = 1.0
LEAST_QUESTIONS = 8


@dataclass(frozen=True)
class Choice:
    """Settings, and the sequence model that they were weighed with.

    `net` has not seen the validation users; None without the extra, or when it did not help.
    """

    settings: Settings
    net: SequenceNet | None = None


def choose_settings(
    task: Task, history: Histories, content: Content | None = None, *, extra: bool = True
) -> Choice:
    """Settings by search, or those of an earlier fit when the task has them.

    A recipe that ranks is asked to rank lists, one that recommends is asked of the whole catalogue.

    A quarter of the users (of a sample, when there are many) ask the questions; of few users another
    quarter as well. `extra`: with the sequence model, when torch is there and the setting
    `sequence_model` is not false.
    """
    if task.fixed is not None:
        return Choice(Settings.from_dict(task.fixed))
    effort = Effort.of(task.budget_seconds, hpo=task.hpo)
    repeats, is_large = items_repeat(history), len(history) > effort.events
    start = Settings(head=effort.head, repeats=repeats, frequency=1.0 if repeats else 0.0)
    start = start.but(**LARGE_DATA) if is_large else start
    sampled = _sample(history, effort.events, task.rng(2))
    if int((np.diff(sampled.indptr) >= 2).sum()) < LEAST_QUESTIONS:
        return Choice(start)
    folds = list(_folds(sampled, effort, task.rng(3)))
    aids = [_aids(task.data, fold, content) for fold in folds]

    # 1. What needs a solve, with a small head: solves are cubic.
    rounds = (coordinates(repeats=repeats, is_large=is_large) for _ in range(effort.rounds))
    small = _trials(task, folds, aids, effort, effort.tried_head)
    solved = search(small, start, chain.from_iterable(rounds))
    # 2. The weights of the parts, with the head of the model: what the small head left to the
    # transitions is the ridge's now, so their weights start anew.
    whole = _trials(task, folds, aids, effort, effort.head)
    fresh = solved.but(markov=Settings.markov, tail=Settings.tail)
    found = search(whole, fresh, balances(aids[0], repeats=repeats))
    # 3. How the likeness of new items looks back: of these the trials know none.
    if content is not None:
        unseen = [_unseen(task, fold, content) for fold in folds]
        found = search(unseen, found, cold_memories())
    # 4. The sequence model. Hyperparameters come as text over the API.
    extra = extra and str(task.settings.get("sequence_model", True)).lower() != "false"
    return _with_net(task, folds[0], whole[0], found) if extra else Choice(found)


def _trials(
    task: Task, folds: list[Fold], aids: list[Aids], effort: Effort, head: int
) -> list[Trial]:
    """One per fold; they share the scores that a step may cost."""
    scores = effort.scores // len(folds)
    return [
        Trial(
            fold.rest,
            fold.cases,
            task.items,
            head=head,
            scores=scores,
            aids=aid,
            # The same lists in every search: they are to differ in nothing but the settings.
            drawn=task.rng(7) if task.kind == "ranking" else None,
        )
        for fold, aid in zip(folds, aids, strict=True)
    ]


def _unseen(task: Task, fold: Fold, content: Content) -> Unseen:
    """The questions of a fold as they would be if a tenth of the items were new.

    Only items with metadata take part: of others nothing could be told.
    """
    described = np.flatnonzero(np.diff(content.features.starts))
    size = min(MOST_HIDDEN, max(1, round(HIDDEN_SHARE * len(described))), len(described))
    hidden = task.rng(6).choice(described, size, replace=False)
    return Unseen(fold.cases, task.items, content, np.sort(hidden))


def train_net(task: Task, history: Histories) -> SequenceNet | None:
    """A sequence model of this history, or None without torch or when the budget does not pay for it.

    The extra may take a few times what the rest does.
    """
    return train_sequence(
        history, task.items, seed=task.seed, budget_seconds=NEURAL_BUDGETS * task.budget_seconds
    )


def _with_net(task: Task, fold: Fold, trial: Trial, settings: Settings) -> Choice:
    """The choice with a sequence model, when that clears its bar. It is weighed on one fold only."""
    net = train_net(task, fold.rest)
    if net is None:
        return Choice(settings)
    trial.add_sequence(net)
    found = search([trial], settings, sequence_weights(), bar=NEURAL_BAR)
    return Choice(found, net if found.sequence else None)


@dataclass(frozen=True)
class Fold:
    """Histories to learn from and questions of the users who are not among them."""

    rest: Histories
    cases: Cases


def _folds(history: Histories, effort: Effort, rng: np.random.Generator) -> Iterator[Fold]:
    """One or two folds over disjoint validation users: with few of them one alone would be noise."""
    candidates = rng.permutation(np.flatnonzero(np.diff(history.indptr) >= 2))
    size = min(max(1, round(VALIDATION_SHARE * len(candidates))), _users_enough(history, effort))
    for at in range(MOST_FOLDS if size < LEAST_USERS else 1):
        users = np.sort(candidates[at * size : (at + 1) * size])
        yield Fold(
            history.take_users(np.setdiff1d(np.arange(history.users), users)),
            _questions(history, users, effort),
        )


def _users_enough(history: Histories, effort: Effort) -> int:
    """Users whose newest tenths together hold `effort.truths` events, at most `effort.cases`."""
    # How many true items a user brings on average; questions are dear, so no more than are needed.
    truths = np.maximum(1, np.round(np.diff(history.indptr) * TRUTH_SHARE)).mean()
    return min(effort.cases, max(LEAST_USERS, round(effort.truths / float(truths))))


def _questions(history: Histories, users: Array, effort: Effort) -> Cases:
    """The newest tenth of each history.

    Where these are few events also the tenths before it, asked at their time.
    """
    cases = hold_out(history, users)
    long = users[np.diff(history.indptr)[users] >= LONG]
    for end in EARLIER_ENDS:
        if len(long) and len(cases.truth) < effort.truths:
            cases = join(cases, hold_out(history, long, end=end))
    return cases


def _sample(history: Histories, events: int, rng: np.random.Generator) -> Histories:
    if len(history) <= events:
        return history
    # Whole users: half a history would teach other habits.
    size = max(2, round(history.users * events / len(history)))
    return history.take_users(np.sort(rng.choice(history.users, size, replace=False)))


@dataclass(frozen=True)
class Tilts:
    """What the context of a question and the metadata of its user say."""

    context: Lifts
    profile: Lifts

    @classmethod
    def of(cls, data: TrainingData, history: Histories) -> Tilts:
        """From the events of this history only."""
        item, weight, items = history.item, history.weight, len(data.item_ids)
        context = learn_lifts(data.context, history.row, item, weight, items)
        return cls(context, learn_lifts(data.users, data.user[history.row], item, weight, items))


def _aids(data: TrainingData, fold: Fold, content: Content | None) -> Aids:
    """Each question is asked in the context of its first true event."""
    if not data.context and not data.users:
        return Aids(content)
    # From the fold's events only: the questions must not speak of their own answers.
    tilts, rows = Tilts.of(data, fold.rest), fold.cases.first_row
    contexts = [row_values(data.context, int(row)) for row in rows]
    profiles = [row_values(data.users, int(user)) for user in data.user[rows]]
    return Aids(
        content,
        (lambda items: case_lifts(tilts.context, contexts, items)) if data.context else None,
        (lambda items: case_lifts(tilts.profile, profiles, items)) if data.users else None,
    )
