from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender.data.histories import Histories, Past, histories
from recdrop.recommender.data.records import Array
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.engine.effort import Effort
from recdrop.recommender.engine.search import is_better, search
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.steps import balances, coordinates
from recdrop.recommender.engine.training import train
from recdrop.recommender.engine.trial import Aids, Trial
from recdrop.recommender.fitting.task import Task
from recdrop.recommender.fitting.validation import choose_settings
from recdrop.recommender.parts.head import choose_head
from recdrop.recommender.parts.ranking import top, top_each
from recdrop.recommender.parts.sequence import SequenceNet
from tests.recdrop.recommender.test_sequence import random_net
from tests.recdrop.recommender.worlds import two_circles, weekly_shoppers


def questions(history: Histories, share: float = 0.4) -> Cases:
    return hold_out(history, draw_users(history, share, 100, np.random.default_rng(0)))


def test_a_step_must_gain_clearly() -> None:
    rng = np.random.default_rng(0)
    present = rng.random(100)
    assert is_better(present + 0.05, present)
    assert not is_better(present + 0.00001, present)
    assert not is_better(present + rng.standard_normal(100) * 0.1 - 0.01, present)


def test_the_search_finds_that_shoppers_repeat() -> None:
    history = histories(weekly_shoppers(40))
    trial = Trial(history, questions(history), 40, head=40, scores=10_000)
    chosen = search([trial], Settings(repeats=False), coordinates(repeats=True))
    assert chosen.repeats
    assert trial.gains(chosen).mean() > trial.gains(Settings(repeats=False)).mean()


def test_a_few_accidental_repeats_are_no_habit() -> None:
    data = two_circles(60)
    rows = np.append(np.arange(len(data)), 0)  # one event twice, among thousands
    task = Task("user-personalization-v2", "user", data.take(rows))
    assert not choose_settings(task, task.history()).settings.repeats


def test_more_budget_looks_further() -> None:
    usual, wide = Effort.of(30, hpo=False), Effort.of(30, hpo=True)
    for bound in ("tried_head", "head", "rounds", "events", "truths"):
        assert getattr(wide, bound) > getattr(usual, bound), bound
    assert Effort.of(3, hpo=False).events < usual.events


def test_the_head_is_what_is_used_most() -> None:
    data = weekly_shoppers(6)
    head = choose_head(histories(data), len(data.item_ids), 3)
    assert head.items.tolist() == [0, 1, 2]
    assert head.place.tolist() == [0, 1, 2, -1, -1, -1]


def test_the_tail_is_weighed_where_the_head_leaves_items_out() -> None:
    data = two_circles(80)
    history = histories(data)
    trial = Trial(history, questions(history), len(data.item_ids), head=3, scores=100_000)
    start = Settings(head=3, tail=0.0, markov=0.0, penalty=1.0)
    chosen = search([trial], start, balances(Aids(), repeats=False))
    assert chosen.markov > 0
    assert trial.gains(chosen).mean() > trial.gains(start).mean() + 0.2


SETTINGS = (
    Settings(head=5, markov=0.7, tail=0.6, popularity=0.1),
    Settings(head=5, repeats=True, frequency=2.0, memory=2.0, markov=0.0),
    Settings(head=5, sequence=1.2, popularity_age=0.3),
)


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_trial_scores_as_the_engine_does(settings: Settings) -> None:
    """Else the search would choose for a model that nobody trains."""
    data = two_circles(60)
    history, items = histories(data), len(data.item_ids)
    cases = questions(history)
    net = SequenceNet(
        np.arange(items, dtype=np.int32), (random_net(items),), repeats=settings.repeats
    )
    trial = Trial(history, cases, items, head=5, scores=1_000_000)
    trial.add_sequence(net)
    engine = train(history, items, settings, None, None, net)
    used = np.flatnonzero(np.bincount(history.item, minlength=items))
    for place, scores in enumerate(trial.scores(settings)):
        span = cases.known.of(place)
        own = engine.scores(
            Past.of(cases.known.item[span], cases.known.weight[span], cases.known.tied[span])
        )[used]
        np.testing.assert_allclose(scores, own, rtol=1e-4, atol=1e-5)


def sorted_by_hand(scores: Array, n: int, allowed: Array | None = None) -> list[int]:
    places = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    return sorted(places.tolist(), key=lambda place: (-scores[place], place))[: max(0, n)]


@pytest.mark.parametrize("different", [1, 2, 7, 10_000])
@pytest.mark.parametrize("size", [1, 63, 640, 1000, 3001])
@pytest.mark.parametrize("n", [0, 1, 10, 40])
def test_the_best_are_exact_whatever_the_ties(different: int, size: int, n: int) -> None:
    rng = np.random.default_rng(different + size)
    scores = rng.integers(0, different, size).astype(np.float32)
    allowed = rng.random(size) < 0.7
    assert top(scores, n).tolist() == sorted_by_hand(scores, n)
    assert top(scores, n, allowed).tolist() == sorted_by_hand(scores, n, allowed)
    if 0 < n <= size:
        rows = np.stack([scores, scores[::-1]])
        assert top_each(rows, n).tolist() == [sorted_by_hand(row, n) for row in rows]
