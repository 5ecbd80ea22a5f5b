"""Into Personalize and out with a measured candidate: group, imports, training, scores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chalicelib import layout, promotion, scoring
from chalicelib.config.sections import Gate, Solution
from chalicelib.errors import ConfigurationError, ResourcePending
from chalicelib.personalize import campaigns, groups, jobs, solutions
from chalicelib.runs import Run

Event = dict[str, Any]

DEFAULT_FLOOR = 1.10  # times popularity


def prepare_group(event: Event) -> dict[str, Any]:
    """Group, schemas, datasets, event tracker, filters.

    Answers the datasets to import and the solutions to train.
    """
    run = Run.of(event)
    client, arns, domain = run.personalize, run.arns, run.config.group.domain
    groups.ensure_group(client, arns, run.group, domain)
    schemas: Mapping[str, str] = run.data["schemas"]
    _settle(
        [lambda name=name, text=text: _dataset(run, name, text) for name, text in schemas.items()]  # type: ignore[misc]
    )
    tracker = groups.ensure_event_tracker(client, arns, run.group)
    filters = {
        f.name: groups.ensure_filter(client, arns, run.group, f.name, f.expression)
        for f in run.config.filter
    }
    run.ledger.update_run(run.name, event_tracker_id=tracker, filters=filters)
    refused = [s.name for s in run.config.solution if s.recipe == "svd"]
    if refused:
        raise ConfigurationError(
            f"Solutions {refused} ask for recipe 'svd', which runs on SageMaker and not on Personalize."
        )
    imported = run.data["datasets"] if run.export.datasets else []  # a retraining imports nothing
    return {"datasets": imported, "solutions": [s.name for s in run.config.solution]}


def _dataset(run: Run, dataset: str, schema: str) -> None:
    schema_arn = groups.ensure_schema(
        run.personalize, run.arns, run.group, dataset, schema, run.config.group.domain
    )
    groups.ensure_dataset(run.personalize, run.arns, run.group, dataset, schema_arn)


def _settle(steps: Sequence[Callable[[], object]]) -> None:
    """Takes every step before it waits for any: what can go on at the same time does."""
    pending: list[str] = []
    for step in steps:
        try:
            step()
        except ResourcePending as error:
            pending.append(str(error))
    if pending:
        raise ResourcePending("; ".join(pending))


def import_dataset(event: Event) -> None:
    run, dataset = Run.of(event), str(event["dataset"])
    jobs.ensure_import(
        run.personalize,
        run.arns,
        run.group,
        dataset,
        name=f"{dataset.replace('_', '-')}-{run.name}",
        folder=run.url(layout.clean(run.group, dataset, run.name)),
        role_arn=run.settings.personalize_role_arn,
        mode=run.data["mode"],
    )
    if dataset == "interactions":
        run.ledger.record_data(run.group, {"run": run.name, "withheld": layout.withheld(run.name)})
    if run.ledger.popular(run.group) is None:
        run.ledger.record_popular(run.group, run.name, run.data["popular"])


def train(event: Event) -> None:
    run = Run.of(event)
    solution = run.solution(event["solution"])
    version = run.ledger.version(run.name, solution.name)
    if version is None:
        solution_arn = solutions.ensure_solution(run.personalize, run.arns, run.group, solution)
        version = solutions.start_version(
            run.personalize, solution_arn, f"{solution.name[:40]}-{run.name}"
        )
        run.ledger.remember_version(run.name, solution.name, version)
    solutions.trained(run.personalize, version)


def score(event: Event) -> dict[str, str]:
    """The decision: {"action": "promote" | "hold", "outcome": ...}.

    The whole of it lies at layout.decision.
    """
    run = Run.of(event)
    solution = run.solution(event["solution"])
    candidate = trained_version(run, solution.name)
    recipe_type = solutions.recipe_type(run.personalize, run.arns, solution.recipe)
    live = campaigns.serving_version(
        campaigns.describe(run.personalize, run.arns.campaign(f"{run.group}-{solution.name}"))
    )
    decision = _decide(run, solution, recipe_type, candidate, None if live == candidate else live)
    record = {
        **asdict(decision),
        "solution": solution.name,
        "recipe": solution.recipe,
        "metric": solution.gate.metric,
        "candidate": candidate,
        "live": live,
        "own_metrics": solutions.own_metrics(run.personalize, candidate),
    }
    run.write_json(layout.decision(run.name, solution.name), record)
    summary = {
        "outcome": decision.action,
        "evidence": decision.outcome,
        "reasons": list(decision.reasons),
        "version": candidate,
    }
    run.ledger.record_history(run.group, solution.name, run.name, summary)
    return {"action": decision.action, "outcome": decision.outcome}


def trained_version(run: Run, solution: str) -> str:
    version = run.ledger.version(run.name, solution)
    if version is None:
        raise LookupError(
            f"Run {run.name!r} has no version of solution {solution!r}: 'Train' comes first."
        )
    return version


def _decide(
    run: Run, solution: Solution, recipe_type: str, candidate: str, live: str | None
) -> promotion.Decision:
    if recipe_type not in scoring.SCORED_TYPES:
        return promotion.Decision(
            "promote",
            "first version",
            (f"{recipe_type} has no offline test here: promoted as trained.",),
            0,
        )
    asked = scoring.questions(recipe_type, read_withheld(run), popular_items(run))
    gate = _gate(solution.gate, recipe_type)
    if not asked.truth:
        return promotion.decide({}, {}, {}, {} if live else None, gate)
    run.write(layout.queries(run.name, solution.name), asked.encode())
    sides = {"candidate": candidate, **({"live": live} if live else {})}
    _settle(
        [
            lambda side=side, arn=arn: _ask(run, solution.name, side, arn)  # type: ignore[misc]
            for side, arn in sides.items()
        ]
    )
    answers = {side: read_answers(run, solution.name, side, asked) for side in sides}
    return promotion.decide(
        asked.truth, answers["candidate"], asked.popular, answers.get("live"), gate
    )


def _gate(wanted: Gate, recipe_type: str) -> promotion.Gate:
    floor = wanted.over_popularity
    if floor is None:
        floor = 0.0 if recipe_type == "RELATED_ITEMS" else DEFAULT_FLOOR
    return promotion.Gate(wanted.metric, floor, wanted.max_regression, wanted.when_unsure)


def _ask(run: Run, solution: str, side: str, version: str) -> None:
    jobs.ensure_batch(
        run.personalize,
        run.arns,
        # A live version may change between two attempts of a run; a job's name is spent with its
        # first.
        name=f"{side}-{run.name}-{hashlib.sha256(f'{solution} {version}'.encode()).hexdigest()[:12]}",
        version_arn=version,
        source=run.url(layout.queries(run.name, solution)),
        target=run.url(layout.answers(run.name, solution, side)),
        role_arn=run.settings.personalize_role_arn,
    )


def read_withheld(run: Run) -> scoring.Withheld:
    body = run.read_optional(layout.withheld(run.name))
    return scoring.Withheld.parse(body.decode() if body else "", run.data["last_items"])


def popular_items(run: Run) -> list[str]:
    return [item["itemId"] for item in run.read_json(run.data["popular"])["items"]]


def read_answers(
    run: Run, solution: str, side: str, asked: scoring.Questions
) -> dict[str, Sequence[str]]:
    key = (
        layout.answers(run.name, solution, side)
        + layout.queries(run.name, solution).rsplit("/", 1)[-1]
        + ".out"
    )
    return scoring.read_answers(run.read_bytes(key).decode().splitlines(), asked)
