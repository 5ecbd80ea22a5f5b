"""The end of every run, good or bad: its report is written, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib import costs, layout
from chalicelib.context import Context
from chalicelib.documents import (
    CostLine,
    DataReport,
    Decision,
    RunEvent,
    RunReport,
    RunState,
    SolutionReport,
    SolutionResult,
    StateError,
    WriteReport,
    Written,
)
from chalicelib.ledger import iso_time
from chalicelib.reports import page, text
from chalicelib.reports.history import History
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RECIPES

MAX_REASON = 1000  # characters that go on through Step Functions; the report has all of it


def write_report(context: Context, event: WriteReport) -> Written:
    """How the run ended. The rest lies in the work bucket, as JSON and as a page."""
    run = Run.of(context, event)
    report = _report(run, event)
    run.work.write_json(layout.report(run.name), report)
    run.work.write(layout.report_page(run.name), page.page(report), "text/html; charset=utf-8")
    if event.state.solutions or _applied_a_config(run, event.state):
        context.ledger.retire_others(run.group, run.name, run.config.answering)
    context.ledger.update_run(
        run.name,
        status=report.status,
        reason=report.reason,
        ended=report.ended,
        results={solution.solution: solution.result for solution in report.solutions},
        report=run.work.url(layout.report_page(run.name)),
    )
    told = f"{run.name}: {report.reason}" if report.reason else run.name
    context.ledger.end_note(run.group, run.name, f"run {report.status}", told)
    return Written(status=report.status, reason=report.reason[:MAX_REASON])


def _applied_a_config(run: Run, state: RunState) -> bool:
    """A config that names less trains nothing, and what has left it goes all the same."""
    return state.error is None and run.export.complete_by == "config"


def _report(run: Run, event: WriteReport) -> RunReport:
    history = History(run.context.machine.history(event.execution))
    stages, state = history.stages(), event.state
    solutions = tuple(_solution(run, result, history) for result in state.solutions)
    failures = [
        f"solution {solution.solution!r}: {solution.failure}"
        for solution in solutions
        if solution.result == "failed"
    ]
    if state.error:
        failures.insert(0, str(history.failure(state.error)))
    data = run.work.find_document(layout.data_report(run.name), DataReport)
    now = run.context.now()
    return RunReport(
        run=run.name,
        group=run.group,
        status="failed" if failures else "succeeded",
        reason="; ".join(failures) or text.summary(solutions),
        started=iso_time(stages[0].started if stages else now),
        ended=iso_time(now),
        stages=stages,
        solutions=solutions,
        data=data.report if data else None,
        cost=tuple(_cost(run, data, solutions)) if data else (),
        next_command=text.next_command(
            run.group,
            run.name,
            failed=bool(failures),
            error=_error(state.error, *(result.error for result in state.solutions)),
            stack=run.context.settings.stack_name,
        ),
    )


def _error(*failures: StateError | None) -> str:
    """The name of the first failure; "" when there is none."""
    return next((failure.error for failure in failures if failure), "")


def _solution(run: Run, result: SolutionResult, history: History) -> SolutionReport:
    failure = str(history.failure(result.error)) if result.error else None
    return SolutionReport(
        solution=result.solution,
        recipe=_recipe(run, result.solution),
        result=result.result,
        failure=failure,
        decision=run.work.find_document(layout.decision(run.name, result.solution), Decision),
    )


def _recipe(run: Run, name: str) -> str:
    wanted = run.recommender(name)
    return wanted.use_case if wanted else run.solution(name).recipe


def _cost(run: Run, data: DataReport, solutions: tuple[SolutionReport, ...]) -> Iterator[CostLine]:
    yield costs.of_import(data.source_bytes)
    for wanted in run.config.solution:
        yield costs.of_training(RECIPES[wanted.recipe], data.interactions)
        if wanted.campaign is not None:
            yield costs.of_campaign(wanted.campaign.min_provisioned_tps)
    for recommender in run.config.recommender:
        if not recommender.stopped:
            yield costs.of_recommender(recommender.name)
    decisions = [solution.decision for solution in solutions if solution.decision]
    decisions = [one for one in decisions if run.recommender(one.solution) is None]
    # The live version answers for the same users as the candidate.
    yield costs.of_batch(
        sum(decision.users * (2 if decision.live else 1) for decision in decisions)
    )


def notify(context: Context, event: RunEvent) -> None:
    """Tells the topic what happened, why, and what to do next."""
    run = Run.of(context, event)
    report = run.work.find_document(layout.report(run.name), RunReport)
    if report is not None:
        context.topic.tell(run.group, text.headline(report), text.text(report))
        return
    record = context.ledger.run(run.name)
    status = record.status if record else "unknown"
    reason = f"Run {run.name} failed before its report could be written. Ledger: {status}."
    context.ledger.update_run(run.name, status="failed", reason=reason)
    context.topic.tell(run.group, "failed", reason)
