from __future__ import annotations

from chalicelib import layout
from chalicelib.documents import Decision, Score
from chalicelib.pipeline import deciding
from tests.chalicelib.town import Town


def test_a_decision_lies_with_its_run_and_in_the_history_once(town: Town) -> None:
    run = town.begin_run("decided")
    decision = Decision(
        solution="for-you",
        recipe="aws-sims",
        metric="log_rank_at_500",
        action="hold",
        evidence="worse",
        reasons=("Held: worse.",),
        users=200,
        candidate="arn:candidate",
    )
    scores = [deciding.record(run, decision) for _ in range(2)]
    assert scores == [Score(action="hold", evidence="worse")] * 2
    assert run.work.read_document(layout.decision(run.name, "for-you"), Decision) == decision
    (done,) = run.ledger.history("decided")
    assert (done.did, done.solution_version, done.reasons) == (
        "hold",
        "arn:candidate",
        decision.reasons,
    )
