from __future__ import annotations

import numpy as np

from recommender.balance import balance
from recommender.engine import Settings, choose_head, train
from recommender.histories import histories
from recommender.search import Effort, Trial, coordinates, is_better, search
from recommender.split import Cases, draw_users, hold_out
from tests.recommender.worlds import two_circles, weekly_shoppers


def test_a_step_must_gain_clearly() -> None:
    rng = np.random.default_rng(0)
    present = rng.random(100)
    assert is_better(present + 0.05, present)
    assert not is_better(present + 0.00001, present)
    assert not is_better(present + rng.standard_normal(100) * 0.1 - 0.01, present)


def test_the_search_finds_that_shoppers_repeat() -> None:
    history = histories(weekly_shoppers(40))
    users = draw_users(history, 0.4, 100, np.random.default_rng(0))
    trial = Trial(history, hold_out(history, users), 40, Effort.of(30, hpo=False))
    chosen = search(trial, Settings(repeats=False), coordinates(0.5))
    assert chosen.repeats
    assert trial.gains(chosen).mean() > trial.gains(Settings(repeats=False)).mean()


def test_more_budget_looks_further() -> None:
    usual, wide = Effort.of(30, hpo=False), Effort.of(30, hpo=True)
    assert wide.items > usual.items
    assert wide.rounds > usual.rounds
    assert Effort.of(3, hpo=False).events < usual.events


def test_the_head_is_what_is_used_most() -> None:
    data = weekly_shoppers(6)
    head = choose_head(histories(data), len(data.item_ids), 3)
    assert head.items.tolist() == [0, 1, 2]
    assert head.place.tolist() == [0, 1, 2, -1, -1, -1]


def test_the_tail_is_weighed_where_the_head_leaves_items_out() -> None:
    data = two_circles(80)
    history = histories(data)
    users = draw_users(history, 0.5, 100, np.random.default_rng(0))
    cases: Cases = hold_out(history, users)
    engine = train(history, len(data.item_ids), Settings(head=3, tail=0.0, markov=0.1, penalty=1.0))
    chosen = balance(engine, cases)
    assert (chosen.tail, chosen.markov) != (0.0, 0.1)
