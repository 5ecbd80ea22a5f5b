from __future__ import annotations

from chalicelib import layout
from chalicelib.documents import Decision, Score
from chalicelib.pipeline import scoring
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RELATED_ITEMS, USER_PERSONALIZATION
from tests.chalicelib.shop import Tasks


def decision(run: Run, solution: str) -> Decision:
    return run.work.read_document(layout.decision(run.name, solution), Decision)


def test_a_good_first_version_is_promoted_on_the_evidence_of_withheld_users(promoted: Run) -> None:
    found = decision(promoted, "for-you")
    assert (found.action, found.evidence) == ("promote", "first version")
    assert found.users >= 30
    assert found.metrics["candidate"][found.metric] > found.metrics["popularity"][found.metric]
    assert "coverage" in found.own_metrics


def test_the_live_version_is_not_compared_with_itself(promoted: Run) -> None:
    """When a task is entered again after the promotion, candidate and live are the same."""
    assert Tasks(promoted).score("for-you") == Score(action="promote", evidence="first version")


def test_every_decision_is_kept_in_the_history_once(promoted: Run) -> None:
    records = [r for r in promoted.ledger.history("promoted") if r.run == promoted.name]
    assert [r.did for r in records if r.solution == "similar"] == ["promote"]


def test_the_same_users_are_asked_about_items_and_about_themselves(promoted: Run) -> None:
    by_user = scoring.ask_withheld(promoted, USER_PERSONALIZATION)
    by_item = scoring.ask_withheld(promoted, RELATED_ITEMS)
    assert by_user.truth.keys() >= by_item.truth.keys()
    assert all("itemId" in line for line in by_item.lines)
