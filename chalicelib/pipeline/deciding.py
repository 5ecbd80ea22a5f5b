"""A decision of the gate is written down: for the report, and in the history of its solution."""

from __future__ import annotations

from chalicelib import layout
from chalicelib.documents import Decision, HistoryRecord, Score
from chalicelib.runs import Run


def record(run: Run, decision: Decision) -> Score:
    """What the state machine goes on with. A task that is entered again writes the same."""
    run.work.write_json(layout.decision(run.name, decision.solution), decision)
    run.ledger.record_history(
        run.group,
        HistoryRecord(
            run=run.name,
            solution=decision.solution,
            did=decision.action,
            evidence=decision.evidence,
            reasons=decision.reasons,
            solution_version=decision.candidate,
        ),
    )
    return Score(action=decision.action, evidence=decision.evidence)
