"""The campaign: updated, verified against what was measured, rolled back when it does not answer so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from chalicelib import names
from chalicelib.config.sections import Campaign, Solution
from chalicelib.context import Context
from chalicelib.documents import HistoryRecord, ServingRecord, SolutionEvent
from chalicelib.errors import VerificationFailed
from chalicelib.gate.questions import Questions
from chalicelib.personalize.campaigns import ANSWERED
from chalicelib.pipeline import recommenders
from chalicelib.pipeline.scoring import read_lists
from chalicelib.pipeline.training import trained_version
from chalicelib.pipeline.truth import ask_withheld, popular_items
from chalicelib.runs import Run
from chalicelib.telemetry import logger
from chalicelib.vocabulary.recipes import RECIPES

VERIFIED_QUERIES = 20
MIN_AGREEMENT = 0.5  # of the items; exploration and events of the last minutes may change the rest
NOBODY = "recdrop-verification"  # a user, or item, that no export has


def update_campaign(context: Context, event: SolutionEvent) -> None:
    """The campaign serves the candidate.

    Raises:
        ResourcePending: until it does.
        ResourceFailed: the update failed; the version before serves on.
    """
    run = Run.of(context, event)
    if wanted := run.recommender(event.solution):
        recommenders.serve(run, wanted)
        return
    solution = run.solution(event.solution)
    candidate = trained_version(run, solution.name)
    if _is_served(solution):
        _remember_previous(run, solution, candidate)
        _serve(run, solution, candidate)


def _is_served(solution: Solution) -> bool:
    return solution.campaign is not None and RECIPES[solution.recipe].type.has_campaign


def _remember_previous(run: Run, solution: Solution, candidate: str) -> None:
    """What serves before the update, for a roll back; kept from the first time this is entered."""
    serving = run.personalize.serving_version(run.group, solution.name)
    if serving in (None, candidate) or run.ledger.previous(run.name, solution.name):
        return
    run.ledger.remember_previous(run.name, solution.name, str(serving))
    recorded = run.ledger.serving(run.group, solution.name)
    if recorded and recorded.solution_version_arn != serving:
        logger.warning(
            "campaign was changed by hand",
            extra={"recorded": recorded.solution_version_arn, "serving": serving},
        )


def _serve(run: Run, solution: Solution, version: str) -> None:
    """The campaign serves `version`, and the API is told so.

    Raises:
        LeaseLost: a later run has told the API something else already.
    """
    columns = run.data.metadata_columns
    campaign_arn = run.personalize.serve(
        run.group, solution.name, version, solution.campaign or Campaign(), metadata=bool(columns)
    )
    record = ServingRecord(
        group=run.group,
        solution=solution.name,
        recipe=solution.recipe,
        recipe_type=RECIPES[solution.recipe].type.name,
        campaign_arn=campaign_arn,
        solution_version_arn=version,
        run=run.name,
        metadata_columns=columns,
    )
    run.ledger.record_serving(run.token or 0, record)
    run.ledger.record_popular(run.group, run.name, run.data.popular)


def verify_campaign(context: Context, event: SolutionEvent) -> None:
    """Asks the campaign what batch inference was asked before.

    Raises:
        VerificationFailed: it answers otherwise, or nothing.
    """
    run = Run.of(context, event)
    if wanted := run.recommender(event.solution):
        recommenders.verify(run, wanted)
        return
    solution = run.solution(event.solution)
    recipe_type = RECIPES[solution.recipe].type
    if not _is_served(solution):
        return
    if not recipe_type.is_scored:
        _verify_somebody_unknown(run, solution)
        return
    asked = ask_withheld(run, recipe_type)
    if asked.lines:
        _verify_answers(run, solution.name, asked)
    else:
        _verify_somebody_unknown(run, solution)


def _verify_answers(run: Run, solution: str, asked: Questions) -> None:
    measured = read_lists(run, solution, "candidate", asked)
    agreement = fmean(
        _agreement(
            _ask(run, solution, asked.lines[index])[:ANSWERED],
            measured.get(index, ())[:ANSWERED],
        )
        for index in range(min(len(asked.lines), VERIFIED_QUERIES))
    )
    logger.info("campaign verified", extra={"agreement": round(agreement, 4)})
    if agreement < MIN_AGREEMENT:
        raise VerificationFailed(
            f"Campaign {names.campaign(run.group, solution)!r} agrees with its candidate's batch "
            f"results in {agreement:.0%} of the items. Expected at least {MIN_AGREEMENT:.0%}."
        )


def _verify_somebody_unknown(run: Run, solution: Solution) -> None:
    """With nobody withheld there is nothing to compare with: a stranger must get something too."""
    popular = popular_items(run)
    queries: Mapping[str, dict[str, Any]] = {
        "user": {"userId": NOBODY},
        "item": {"itemId": (popular or [NOBODY])[0]},
        "ranking": {"userId": NOBODY, "itemList": popular[:25]},
        "actions": {"actions": NOBODY},
    }
    query = queries[RECIPES[solution.recipe].type.query]
    if not _ask(run, solution.name, query):
        name = names.campaign(run.group, solution.name)
        raise VerificationFailed(f"Campaign {name!r} has no answer for {query!r}. Expected items.")


def _ask(run: Run, solution: str, query: Mapping[str, Any]) -> list[str]:
    columns = run.data.metadata_columns
    return run.personalize.ask(run.group, solution, query, columns)


def _agreement(answer: Sequence[str], measured: Sequence[str]) -> float:
    """The share of the measured items that came back; 0 for a shorter answer: a cut list is a fault."""
    if not measured:
        return 1.0
    if len(answer) < len(measured):
        return 0.0
    return len(set(answer) & set(measured)) / len(measured)


def roll_back(context: Context, event: SolutionEvent) -> None:
    """The version before serves again. A first version has none: the API falls back to popular items."""
    run = Run.of(context, event)
    if wanted := run.recommender(event.solution):
        recommenders.withdraw(run, wanted)
        return
    solution = run.solution(event.solution)
    previous = context.ledger.previous(run.name, solution.name)
    if previous:
        _serve(run, solution, previous)
    else:
        context.ledger.forget_serving(run.group, solution.name)
    context.ledger.record_history(
        run.group,
        HistoryRecord(
            run=run.name, solution=solution.name, did="roll back", solution_version=previous
        ),
    )
