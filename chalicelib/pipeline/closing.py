"""The end of every run, good or bad: its report, the lease given back, somebody told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chalicelib import clients, costs, history, layout, reports
from chalicelib.runs import Run

Event = dict[str, Any]


def write_report(event: Event) -> dict[str, str]:
    """Answers {"status": "succeeded" | "failed", "reason"}; the rest lies in the work bucket, as
    JSON and as a page.
    """
    run, state = Run.of(event), event["state"]
    events = _history(event["execution"])
    solutions = [_solution(run, outcome, events) for outcome in state.get("solutions", [])]
    failed = [
        f"solution {s['solution']!r}: {s['failure']}" for s in solutions if s["outcome"] == "failed"
    ]
    if "error" in state:
        failed.insert(0, str(history.failure(state["error"], events)))
    stages = history.stages(events)
    data = run.read_optional(layout.data_report(run.name))
    report = reports.Report(
        run=run.name,
        group=run.group,
        status="failed" if failed else "succeeded",
        reason="; ".join(failed) or _decisions(solutions),
        started=_iso(stages[0].started if stages else time.time()),
        ended=_iso(time.time()),
        stages=[{**asdict(stage), "seconds": stage.seconds} for stage in stages],
        solutions=solutions,
        data=run.data["report"] if data else None,
        cost=[asdict(line) for line in _cost(run, solutions)] if data else [],
        next_command=reports.next_command(
            run.group, run.name, failed=bool(failed), error=state.get("error", {}).get("Error", "")
        ),
    )
    run.write_json(layout.report(run.name, "json"), report)
    run.write(layout.report(run.name, "html"), reports.page(report), "text/html; charset=utf-8")
    run.ledger.update_run(
        run.name,
        status=report.status,
        reason=report.reason,
        ended=report.ended,
        decisions={s["solution"]: s["outcome"] for s in solutions},
        report=run.url(layout.report(run.name, "html")),
    )
    return {"status": report.status, "reason": report.reason[:1000]}


def _history(execution: str) -> list[Any]:
    pages = (
        clients.stepfunctions()
        .get_paginator("get_execution_history")
        .paginate(executionArn=execution)
    )
    return [event for page in pages for event in page["events"]]


def _solution(run: Run, outcome: dict[str, Any], events: Sequence[Any]) -> dict[str, Any]:
    decision = run.read_optional(layout.decision(run.name, outcome["solution"]))
    found: dict[str, Any] = (
        run.read_json(layout.decision(run.name, outcome["solution"])) if decision else {}
    )
    result = {
        **found,
        "solution": outcome["solution"],
        "outcome": outcome["outcome"],
        "evidence": found.get("outcome"),
    }
    if "error" in outcome:
        result["failure"] = str(history.failure(outcome["error"], events))
    return result


def _decisions(solutions: Sequence[dict[str, Any]]) -> str:
    """One clause per solution: what was done and the first reason for it."""
    return "; ".join(
        f"{s['solution']}: {s['outcome']}. {(s.get('reasons') or [''])[0]}".strip()
        for s in solutions
    )


def _cost(run: Run, solutions: Sequence[dict[str, Any]]) -> list[costs.Line]:
    interactions = int(run.data["interactions"])
    lines = [costs.of_import(int(run.data["source_bytes"]))]
    for solution in run.config.solution:
        lines.append(costs.of_training(solution.recipe, interactions))
        if solution.campaign is not None:
            lines.append(costs.of_campaign(solution.campaign.min_provisioned_tps))
    users = sum(int(s.get("users") or 0) * (2 if s.get("live") else 1) for s in solutions)
    return [*lines, costs.of_batch(users)]


def release_lease(event: Event) -> None:
    run = Run.of(event)
    run.ledger.release_lease(run.group, run.name)


def notify(event: Event) -> None:
    """Tells the topic what happened, why, and what to do next."""
    run = Run.of(event)
    body = run.read_optional(layout.report(run.name, "json"))
    if body is None:
        record = run.ledger.run(run.name) or {}
        subject, message = (
            "failed",
            f"Run {run.name} failed before its report could be written. Ledger: {record.get('status')}.",
        )
        run.ledger.update_run(run.name, status="failed", reason=message)
    else:
        report = reports.read(body)
        subject, message = reports.headline(report), reports.text(report)
    clients.sns().publish(
        TopicArn=run.settings.topic_arn,
        Subject=f"recdrop {run.group}: {subject}"[:100],
        Message=message,
    )


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
