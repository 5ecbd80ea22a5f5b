"""Candidate, live version and popularity answer for the withheld users; the gate decides."""

from __future__ import annotations

from chalicelib import layout, names
from chalicelib.config.sections import Gate, Solution
from chalicelib.context import Context
from chalicelib.documents import Decision, HistoryRecord, PopularList, Score, SolutionEvent
from chalicelib.gate import promotion, questions
from chalicelib.gate.promotion import Answers, Bars, Verdict
from chalicelib.gate.questions import Questions, Withheld
from chalicelib.pipeline.steps import settle
from chalicelib.pipeline.training import trained_version
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RECIPES, RecipeType


def score(context: Context, event: SolutionEvent) -> Score:
    """What to do with the candidate, and why; the whole of it lies at layout.decision.

    Raises:
        ResourcePending: a batch inference job is under way.
    """
    run = Run.of(context, event)
    solution = run.solution(event.solution)
    candidate = trained_version(run, solution.name)
    live = run.personalize.serving_version(run.group, solution.name)
    verdict = _judge(run, solution, candidate, None if live == candidate else live)
    decision = Decision(
        solution=solution.name,
        recipe=solution.recipe,
        metric=solution.gate.metric,
        action=verdict.action,
        evidence=verdict.evidence,
        reasons=verdict.reasons,
        users=verdict.users,
        candidate=candidate,
        live=live,
        metrics=verdict.metrics,
        own_metrics=run.personalize.own_metrics(candidate),
    )
    run.work.write_json(layout.decision(run.name, solution.name), decision)
    context.ledger.record_history(
        run.group,
        HistoryRecord(
            run=run.name,
            solution=solution.name,
            did=verdict.action,
            evidence=verdict.evidence,
            reasons=verdict.reasons,
            solution_version=candidate,
        ),
    )
    return Score(action=verdict.action, evidence=verdict.evidence)


def _judge(run: Run, solution: Solution, candidate: str, live: str | None) -> Verdict:
    recipe_type = RECIPES[solution.recipe].type
    if not recipe_type.is_scored:
        return promotion.unscored(recipe_type.name)
    asked = ask_withheld(run, recipe_type)
    bars = _bars(solution.gate, recipe_type)
    if not asked.truth:  # nobody is withheld: the gate says what that means
        return promotion.decide({}, {}, {}, {} if live else None, bars)
    sides = {"candidate": candidate, **({"live": live} if live else {})}
    run.work.write(layout.queries(run.name, solution.name), asked.encode())
    settle(lambda side: _answer(run, solution.name, *side), sides.items())
    answers = {side: read_answers(run, solution.name, side, asked) for side in sides}
    return promotion.decide(
        asked.truth, answers["candidate"], asked.popular, answers.get("live"), bars
    )


def _bars(gate: Gate, recipe_type: RecipeType) -> Bars:
    floor = recipe_type.floor if gate.over_popularity is None else gate.over_popularity
    return Bars(gate.metric, floor, gate.max_regression, gate.when_unsure)


def _answer(run: Run, solution: str, side: str, version: str) -> None:
    run.personalize.answer_in_bulk(
        names.scoring_job(side, solution, run.name, version),
        version,
        run.work.url(layout.queries(run.name, solution)),
        run.work.url(layout.answers(run.name, solution, side)),
    )


def ask_withheld(run: Run, recipe_type: RecipeType) -> Questions:
    """What the gate asks of a recipe of this type about the run's withheld users."""
    body = run.work.read_if_there(layout.withheld(run.name))
    withheld = Withheld.parse(body.decode() if body else "", run.data.last_items)
    return questions.ask(recipe_type, withheld, popular_items(run))


def popular_items(run: Run) -> list[str]:
    """Item ids, most popular first."""
    listed = run.work.read_document(run.data.popular, PopularList)
    return [item.item_id for item in listed.items]


def read_answers(run: Run, solution: str, side: str, asked: Questions) -> Answers:
    body = run.work.read(layout.answers_file(run.name, solution, side))
    return questions.read_answers(body.decode().splitlines(), asked)
