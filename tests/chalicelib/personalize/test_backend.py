from __future__ import annotations

from chalicelib.personalize.backend import Personalize

# What the pipeline asks of a solution's back-end: a second one has to have the same.
VERBS = {
    "train",
    "check_trained",
    "own_metrics",
    "answer_in_bulk",
    "serve",
    "serving_version",
    "ask",
}


def test_personalize_has_the_verbs_that_every_back_end_has() -> None:
    assert {verb for verb in VERBS if callable(getattr(Personalize, verb, None))} == VERBS
