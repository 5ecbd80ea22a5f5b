from __future__ import annotations

import msgspec

from chalicelib import layout
from chalicelib.documents import Decision, Score
from chalicelib.pipeline import scoring, truth
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import POPULAR_ITEMS, RELATED_ITEMS, USER_PERSONALIZATION
from tests.chalicelib.shop import CONFIG, Tasks, catalogue, export_of, promote_all, purchases
from tests.chalicelib.town import Town


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
    by_user = truth.ask_withheld(promoted, USER_PERSONALIZATION)
    by_item = truth.ask_withheld(promoted, RELATED_ITEMS)
    assert by_user.truth.keys() >= by_item.truth.keys()
    assert all("itemId" in line for line in by_item.lines)


def test_a_second_export_of_the_same_period_is_judged_and_its_evidence_kept(town: Town) -> None:
    """A correction: nothing in it is newer than what live was trained on."""
    first = promote_all(town, "again")
    first.ledger.release_lease("again", first.name)
    corrected = purchases().replace(b",view", b",watch")
    objects = {"interactions/orders.csv": corrected, "items/things.csv": catalogue()}
    run = town.begin_run("again", CONFIG, export_of(town, "again", objects))
    tasks = Tasks(run)
    tasks.normalise()
    tasks.check()
    tasks.bring_in()
    tasks.train("for-you")
    said = tasks.score("for-you")
    found = decision(run, "for-you")
    assert found.users >= 20
    assert found.live == decision(first, "for-you").candidate
    assert found.nights == 1
    assert run.data.unknown_to_live == 0
    assert "0.0% of what these users took is unknown to the live version." in found.reasons

    kept = run.ledger.evidence("again", "for-you", str(found.live))
    assert kept is not None
    assert [(night.run, night.users) for night in kept.nights] == [(run.name, found.users)]
    assert kept.nights[0].population >= found.users
    assert tasks.score("for-you") == said  # entered again: the night counts once
    assert run.ledger.evidence("again", "for-you", str(found.live)).nights == kept.nights  # type: ignore[union-attr]


def test_batch_inference_is_asked_as_deep_as_the_service_goes(promoted: Run) -> None:
    asked = truth.ask_withheld(promoted, USER_PERSONALIZATION)
    answers = scoring.read_answers(promoted, "for-you", "candidate", asked)
    assert max(map(len, answers.values())) > 25
    assert max(map(len, asked.popular.values())) > 25


def test_evidence_begins_anew_where_what_is_trained_or_asked_changes(promoted: Run) -> None:
    solution = promoted.solution("for-you")
    other_gate = msgspec.structs.replace(solution.gate, max_regression=0.1)
    others = [
        msgspec.structs.replace(solution, gate=other_gate),
        msgspec.structs.replace(solution, event_weights={"view": 0.5}),
        msgspec.structs.replace(solution, hpo=True),
        msgspec.structs.replace(solution, recipe="aws-hrnn"),
    ]
    assert len({scoring.lineage(one) for one in [solution, *others]}) == 5
    served = msgspec.structs.replace(solution, campaign=None, batch=None)
    assert scoring.lineage(served) == scoring.lineage(solution)


def test_what_is_popularity_itself_has_not_to_beat_it(promoted: Run) -> None:
    solution = msgspec.structs.replace(promoted.solution("for-you"), recipe="aws-popularity-count")
    assert scoring.bars_of(solution).floor == 0 == POPULAR_ITEMS.floor
