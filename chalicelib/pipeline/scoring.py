"""Candidate, live version and popularity answer for the withheld users; the gate decides."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from chalicelib import layout, names
from chalicelib.config.sections import Solution
from chalicelib.context import Context
from chalicelib.documents import (
    Decision,
    EvidenceRecord,
    Night,
    Score,
    SolutionEvent,
)
from chalicelib.gate import promotion, questions
from chalicelib.gate.promotion import Answers, Bars, Verdict
from chalicelib.gate.questions import Questions
from chalicelib.pipeline import deciding, recommenders
from chalicelib.pipeline.steps import settle
from chalicelib.pipeline.training import trained_version
from chalicelib.pipeline.truth import ask_withheld
from chalicelib.runs import Run
from chalicelib.vocabulary.metrics import DEEP
from chalicelib.vocabulary.recipes import RECIPES


def score(context: Context, event: SolutionEvent) -> Score:
    """What to do with the candidate, and why; the whole of it lies at layout.decision.

    Raises:
        ResourcePending: a batch inference job is under way.
    """
    run = Run.of(context, event)
    if wanted := run.recommender(event.solution):
        return recommenders.score(run, wanted)
    solution = run.solution(event.solution)
    candidate = trained_version(run, solution.name)
    live = run.personalize.serving_version(run.group, solution.name)
    live = None if live == candidate else live
    before = _nights_before(run, solution, live)
    verdict = _judge(run, solution, candidate, live, before)
    nights = _nights_after(before, verdict)
    if live and verdict.night:
        record = EvidenceRecord(
            solution=solution.name, live=live, lineage=lineage(solution), nights=nights
        )
        context.ledger.record_evidence(run.group, record)
    decision = Decision(
        solution=solution.name,
        recipe=solution.recipe,
        metric=solution.gate.metric,
        action=verdict.action,
        evidence=verdict.evidence,
        reasons=(*verdict.reasons, *_about_freshness(run.data.unknown_to_live, verdict)),
        users=verdict.users,
        candidate=candidate,
        live=live,
        metrics=verdict.metrics,
        own_metrics=run.personalize.own_metrics(candidate),
        nights=len(nights),
        unknown_to_live=run.data.unknown_to_live,
    )
    return deciding.record(run, decision)


def lineage(solution: Solution) -> str:
    """16 hex digits of all that makes the candidates of two runs comparable."""
    gate = solution.gate
    judged_by = (gate.metric, gate.max_regression, bars_of(solution).over_popularity)
    trained_as = (solution.recipe, sorted(solution.settings.items()), solution.hpo)
    weighed = (sorted(solution.event_weights.items()), solution.event_value_threshold)
    # Appended only where it is set: evidence that was there before the key goes on.
    counted = (solution.event_type,) if solution.event_type else ()
    told = repr((judged_by, trained_as, weighed, *counted))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _nights_before(run: Run, solution: Solution, live: str | None) -> tuple[Night, ...]:
    """What earlier candidates of the lineage have shown against this live version."""
    known = run.ledger.evidence(run.group, solution.name, live) if live else None
    if known is None or known.lineage != lineage(solution):
        return ()
    return tuple(night for night in known.nights if night.run != run.name)


def _nights_after(before: tuple[Night, ...], verdict: Verdict) -> tuple[Night, ...]:
    return (*before, verdict.night) if verdict.night else before


def _about_freshness(unknown: float | None, verdict: Verdict) -> tuple[str, ...]:
    if unknown is None or not verdict.users:
        return ()
    return (f"{unknown:.1%} of what these users took is unknown to the live version.",)


def _judge(
    run: Run, solution: Solution, candidate: str, live: str | None, before: Sequence[Night]
) -> Verdict:
    recipe_type = RECIPES[solution.recipe].type
    if not recipe_type.is_scored:
        return promotion.unscored(recipe_type.name)
    asked = ask_withheld(run, recipe_type)
    answers: Mapping[str, Answers] = {"candidate": {}, **({"live": {}} if live else {})}
    if asked.truth:
        sides = {"candidate": candidate, **({"live": live} if live else {})}
        run.work.write(layout.queries(run.name, solution.name), asked.encode())
        settle(lambda side: _answer(run, solution.name, *side), sides.items())
        answers = {side: read_answers(run, solution.name, side, asked) for side in sides}
    return promotion.decide(
        asked.truth,
        answers["candidate"],
        asked.popular,
        answers.get("live"),
        bars_of(solution),
        run=run.name,
        before=before,
        population=run.data.population,
    )


def bars_of(solution: Solution) -> Bars:
    """What the gate asks of a solution; the recipe's type says what the config leaves open."""
    gate = solution.gate
    floor = gate.over_popularity
    if floor is None:
        floor = RECIPES[solution.recipe].type.floor
    return Bars(gate.metric, floor, gate.max_regression, gate.when_unsure)


def _answer(run: Run, solution: str, side: str, version: str) -> None:
    run.personalize.answer_in_bulk(
        names.scoring_job(side, solution, run.name, version),
        version,
        run.work.url(layout.queries(run.name, solution)),
        run.work.url(layout.answers(run.name, solution, side)),
        num_results=DEEP,
    )


def read_answers(run: Run, solution: str, side: str, asked: Questions) -> Answers:
    return questions.read_answers(_answer_lines(run, solution, side), asked)


def read_lists(run: Run, solution: str, side: str, asked: Questions) -> Mapping[int, Sequence[str]]:
    """The answers as they came, by the index of their query."""
    return questions.read_lists(_answer_lines(run, solution, side), asked)


def _answer_lines(run: Run, solution: str, side: str) -> list[str]:
    body = run.work.read(layout.answers_file(run.name, solution, side))
    return body.decode().splitlines()
