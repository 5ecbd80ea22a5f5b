from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender import Event, Query
from recdrop.recommender.data.histories import histories
from recdrop.recommender.models.memory import EventRules, Vocabulary, whole_history
from tests.recdrop.recommender.worlds import from_rows

DATA = from_rows([("anna", "a", 1), ("anna", "b", 2), ("ben", "c", 3)])
KNOWN = Vocabulary.of(DATA, histories(DATA))


@pytest.mark.parametrize(
    ("settings", "event", "weight"),
    [
        ({}, Event("a", 1, "View"), 1.0),
        ({"event_weights": {"View": 0.25}}, Event("a", 1, "VIEW"), 0.25),
        ({"event_weights": {"View": 0.25}}, Event("a", 1), 1.0),
        ({"event_type": "Buy"}, Event("a", 1, "View"), 0.0),
        ({"event_type": "Buy"}, Event("a", 1), 1.0),
        ({"event_value_threshold": "3"}, Event("a", 1, event_value=2), 0.0),
        ({"event_value_threshold": "3"}, Event("a", 1), 1.0),
    ],
)
def test_a_new_event_counts_by_the_rules(
    settings: dict[str, object], event: Event, weight: float
) -> None:
    assert EventRules.from_settings(settings).weight(event) == weight


def test_newer_events_follow_the_training_history() -> None:
    asked = Query("anna", [Event("c", 9), Event("nowhere", 9), Event("a", 9)])
    past = whole_history(KNOWN, EventRules(), asked)
    assert past.item.tolist() == [0, 1, 2, 0]
    assert past.steps.tolist() == [3, 2, 0.5, 0.5]


def test_a_stranger_has_no_history() -> None:
    assert len(whole_history(KNOWN, EventRules(), Query("nobody"))) == 0


def test_a_vocabulary_survives_its_arrays() -> None:
    again = Vocabulary.from_arrays(KNOWN.arrays())
    for found, expected in zip(again.history("anna"), KNOWN.history("anna"), strict=True):
        np.testing.assert_array_equal(found, expected)
