from __future__ import annotations

import numpy as np

from recdrop.recommender.data.histories import Histories, histories
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.engine.search import is_better, search
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.steps import balances, coordinates
from recdrop.recommender.engine.trial import Aids, Trial
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


def test_the_tail_is_weighed_where_the_head_leaves_items_out() -> None:
    data = two_circles(80)
    history = histories(data)
    trial = Trial(history, questions(history), len(data.item_ids), head=3, scores=100_000)
    start = Settings(head=3, tail=0.0, markov=0.0, penalty=1.0)
    chosen = search([trial], start, balances(Aids(), repeats=False))
    assert chosen.markov > 0
    assert trial.gains(chosen).mean() > trial.gains(start).mean() + 0.2
