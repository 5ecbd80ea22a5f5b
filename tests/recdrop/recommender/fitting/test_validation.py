from __future__ import annotations

import numpy as np

from recdrop.recommender.fitting.task import Task
from recdrop.recommender.fitting.validation import choose_settings
from tests.recdrop.recommender.worlds import ratings, two_circles


def test_a_few_accidental_repeats_are_no_habit() -> None:
    data = two_circles(60)
    rows = np.append(np.arange(len(data)), 0)  # one event twice, among thousands
    task = Task("user-personalization-v2", "user", data.take(rows))
    assert not choose_settings(task, task.history()).settings.repeats


def test_a_recipe_that_ranks_is_asked_of_lists_and_chooses_for_them() -> None:
    data = ratings(60, 300)
    chosen = [
        choose_settings(task, task.history(), extra=False).settings
        for task in (Task("any", "user", data), Task("any", "ranking", data))
    ]
    assert chosen[0] != chosen[1]
