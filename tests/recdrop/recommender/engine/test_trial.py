from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender.data.histories import Histories, Past, histories
from recdrop.recommender.data.split import Cases, draw_users, hold_out
from recdrop.recommender.engine.settings import Settings
from recdrop.recommender.engine.training import train
from recdrop.recommender.engine.trial import Trial
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
