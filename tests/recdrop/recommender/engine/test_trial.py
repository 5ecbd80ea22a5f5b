from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender import TrainingData
from recdrop.recommender.data.histories import Histories, Past, histories
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.training import train
from recdrop.recommender.engine.trial import Trial, Unseen
from recdrop.recommender.parts.content import describe
from recdrop.recommender.parts.sequence import SequenceNet
from tests.recdrop.recommender.nets import random_net
from tests.recdrop.recommender.worlds import two_circles


def questions(history: Histories, share: float = 0.4) -> Cases:
    return hold_out(history, draw_users(history, share, 100, np.random.default_rng(0)))


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


def test_of_hidden_items_the_likeness_to_the_newest_events_is_asked() -> None:
    """Everyone goes from one b to some a: what was last tells the hidden a, the whole does not."""
    rows = [
        (f"u{user}", item, at)
        for user in range(8)
        for at, item in enumerate(["b1", "b2", "b3", "b4", "a1", "a2", "a3"])
    ]
    kinds = {item: f"kind-{item[0]}" for item in ("a1", "a2", "a3", "b1", "b2", "b3", "b4", "b5")}
    data = TrainingData.from_rows(
        [user for user, _, _ in rows],
        [item for _, item, _ in rows],
        [at for _, _, at in rows],
        item_columns={"KIND": ("categorical", kinds)},
    )
    content = describe(data.items, len(data.item_ids))
    assert content is not None
    cases = hold_out(histories(data), np.arange(8))
    hidden = np.flatnonzero(np.isin(data.item_ids.astype(str), ["a3", "b5"]))
    found = Unseen(cases, len(data.item_ids), content, hidden)
    newest, all_of_it = (found.gains(Settings(cold_memory=memory)) for memory in (1.0, 300.0))
    assert newest.tolist() == [1.0] * 8
    assert all_of_it.max() < 1.0


def test_a_trial_of_ranking_looks_at_its_lists_alone() -> None:
    """What is in no list costs a question nothing, however high it scores."""
    history = histories(two_circles(60))
    cases = questions(history)
    popular = Settings(markov=0.0, popularity=100.0)
    whole = Trial(history, cases, 12, head=5, scores=1_000_000).gains(popular)
    lists = Trial(
        history, cases, 12, head=5, scores=1_000_000, drawn=np.random.default_rng(0), ranked=1
    ).gains(popular)
    assert lists.mean() > whole.mean()
