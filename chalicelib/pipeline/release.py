"""The campaign: updated, verified against what was measured, rolled back when it does not answer
so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from chalicelib import clients, layout, scoring
from chalicelib.config.sections import Campaign, Solution
from chalicelib.errors import VerificationFailed
from chalicelib.personalize import campaigns, jobs, solutions
from chalicelib.pipeline.training import popular_items, read_answers, read_withheld, trained_version
from chalicelib.runs import Run
from chalicelib.telemetry import logger

Event = dict[str, Any]

VERIFIED_QUERIES = 20
MIN_AGREEMENT = 0.5  # of the items; exploration and events of the last minutes may change the rest
NOT_SERVED = frozenset({"USER_SEGMENTATION"})  # answers by batch only


def update_campaign(event: Event) -> None:
    run = Run.of(event)
    solution, candidate = run.solution(event["solution"]), trained_version(run, event["solution"])
    if not _is_served(run, solution):
        return
    _remember_previous(run, solution, candidate)
    _serve(run, solution, candidate)


def _is_served(run: Run, solution: Solution) -> bool:
    return (
        solution.campaign is not None
        and solutions.recipe_type(run.personalize, run.arns, solution.recipe) not in NOT_SERVED
    )


def campaign_name(run: Run, solution: Solution) -> str:
    return f"{run.group}-{solution.name}"


def _remember_previous(run: Run, solution: Solution, candidate: str) -> None:
    """What serves before the update, for a roll back; kept from the first time this task is
    entered.
    """
    serving = campaigns.serving_version(
        campaigns.describe(run.personalize, run.arns.campaign(campaign_name(run, solution)))
    )
    if serving in (None, candidate) or run.ledger.version(run.name, f"{solution.name}#previous"):
        return
    run.ledger.remember_version(run.name, f"{solution.name}#previous", str(serving))
    recorded = (run.ledger.serving(run.group, solution.name) or {}).get("solution_version_arn")
    if recorded and recorded != serving:
        logger.warning(
            "campaign was changed by hand", extra={"recorded": recorded, "serving": serving}
        )


def _serve(run: Run, solution: Solution, version: str) -> None:
    """The campaign serves `version`, and the API is told so.

    Raises LeaseLost when a later run has done so already.
    """
    wanted = solution.campaign or Campaign()
    columns: list[str] = run.data["metadata_columns"]
    arn = campaigns.ensure_serves(
        run.personalize,
        run.arns,
        campaign_name(run, solution),
        version,
        wanted,
        metadata=bool(columns),
    )
    details = run.ledger.run(run.name) or {}
    record = {
        "group": run.group,
        "solution": solution.name,
        "recipe": solution.recipe,
        "recipe_type": solutions.recipe_type(run.personalize, run.arns, solution.recipe),
        "campaign_arn": arn,
        "solution_version_arn": version,
        "run": run.name,
        "metadata_columns": columns,
        "filters": details.get("filters", {}),
        "event_tracker_id": details.get("event_tracker_id"),
    }
    run.ledger.record_serving(run.group, solution.name, run.token or 0, record)
    run.ledger.record_popular(run.group, run.name, run.data["popular"])


def verify_campaign(event: Event) -> None:
    """Asks the campaign what batch inference was asked.

    Raises VerificationFailed with what was wrong.
    """
    run = Run.of(event)
    solution = run.solution(event["solution"])
    if not _is_served(run, solution):
        return
    recipe_type = solutions.recipe_type(run.personalize, run.arns, solution.recipe)
    arn = run.arns.campaign(campaign_name(run, solution))
    if recipe_type not in scoring.SCORED_TYPES:
        return
    asked = scoring.questions(recipe_type, read_withheld(run), popular_items(run))
    if not asked.lines:
        _verify_unknown_user(run, arn, recipe_type)
        return
    measured = read_answers(run, solution.name, "candidate", asked)
    by_query = {index: measured[user] for user, index in asked.of_user.items()}
    columns: list[str] = run.data["metadata_columns"]
    chosen = sorted(by_query)[:VERIFIED_QUERIES]
    agreement = [
        _agreement(ask(arn, asked.lines[index], columns), by_query[index]) for index in chosen
    ]
    logger.info(
        "campaign verified",
        extra={"queries": len(agreement), "agreement": round(fmean(agreement), 4)},
    )
    if fmean(agreement) < MIN_AGREEMENT:
        raise VerificationFailed(
            f"Campaign {campaign_name(run, solution)!r} agrees with its candidate's batch results in {fmean(agreement):.0%} of the items "
            f"for {len(agreement)} queries. Expected at least {MIN_AGREEMENT:.0%}."
        )


def _verify_unknown_user(run: Run, arn: str, recipe_type: str) -> None:
    """With nobody withheld there is nothing to compare with: somebody unknown must get something
    all the same.
    """
    query: dict[str, Any] = {"userId": "recdrop-verification"}
    if recipe_type == "RELATED_ITEMS":
        query = {"itemId": (popular_items(run) or ["recdrop-verification"])[0]}
    if recipe_type == "PERSONALIZED_RANKING":
        query["itemList"] = popular_items(run)[:25]
    if not ask(arn, query, run.data["metadata_columns"]):
        raise VerificationFailed(
            f"Campaign {arn!r} has no answer for {query!r}. Expected some items."
        )


def ask(campaign_arn: str, query: dict[str, Any], columns: Sequence[str]) -> list[str]:
    """The items a campaign answers to a batch query, asked for with the metadata `columns` as the
    API does.
    """
    runtime = clients.personalize_runtime()
    if "itemList" in query:
        ranked = runtime.get_personalized_ranking(
            campaignArn=campaign_arn, userId=query["userId"], inputList=query["itemList"]
        )
        return [item["itemId"] for item in ranked["personalizedRanking"]]
    metadata: dict[str, Any] = {"metadataColumns": {"ITEMS": list(columns)}} if columns else {}
    answer = runtime.get_recommendations(
        campaignArn=campaign_arn, numResults=25, **metadata, **query
    )
    return [item["itemId"] for item in answer["itemList"]]


def _agreement(answer: Sequence[str], measured: Sequence[str]) -> float:
    """The share of the measured items that came back; 0 for a shorter answer, since a cut list is a
    fault.
    """
    if not measured:
        return 1.0
    return len(set(answer) & set(measured)) / len(measured) if len(answer) >= len(measured) else 0.0


def roll_back(event: Event) -> None:
    """The version before serves again.

    A first version has none: the API falls back to popular items.
    """
    run = Run.of(event)
    solution = run.solution(event["solution"])
    previous = run.ledger.version(run.name, f"{solution.name}#previous")
    if previous:
        _serve(run, solution, previous)
    else:
        run.ledger.forget_serving(run.group, solution.name)
    run.ledger.record_history(
        run.group,
        solution.name,
        run.name,
        {"outcome": "rolled back", "version": previous or "none"},
    )


def run_batch_inference(event: Event) -> None:
    """Answers for all users into results/, where Snowpipe picks them up; nothing when the config
    asks for none.
    """
    run = Run.of(event)
    solution = run.solution(event["solution"])
    if solution.batch is None:
        return
    source = layout.batch_input(run.name)
    if run.read_optional(source) is None:
        users: list[str] = run.read_json(layout.users(run.name))
        run.write(source, "".join(json.dumps({"userId": user}) + "\n" for user in users))
    filters: dict[str, str] = (run.ledger.run(run.name) or {}).get("filters", {})
    jobs.ensure_batch(
        run.personalize,
        run.arns,
        name=f"{solution.name[:20]}-batch-{run.name}",
        version_arn=trained_version(run, solution.name),
        source=run.url(source),
        target=run.url(layout.batch_output(run.group, solution.name, run.name)),
        role_arn=run.settings.personalize_role_arn,
        num_results=solution.batch.num_results,
        filter_arn=filters.get(solution.batch.filter) if solution.batch.filter else None,
    )
