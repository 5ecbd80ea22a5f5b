"""How a dataset group differs from its config: what is there is read, the rest is a pure function.

Nothing is decided here of data: a run decides what an export does. This is about what the config names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from recdrop.cli.removing import find_resources

if TYPE_CHECKING:
    from chalicelib.config.sections import Config, Solution

Action = Literal["make", "change", "retire", "refuse"]
Described = Mapping[str, Any]
DAYS_A_MONTH = 30
SIGNS: Mapping[Action, str] = {"make": "+", "change": "~", "retire": "-", "refuse": "!"}


@dataclass(frozen=True)
class Change:
    """One difference. `detail` says in words what is done, or why it cannot be."""

    action: Action
    kind: str
    name: str
    detail: str = ""

    def __str__(self) -> str:
        told = f"  {self.detail}" if self.detail else ""
        return f"{SIGNS[self.action]} {self.kind} {self.name}{told}"


@dataclass(frozen=True)
class Live:
    """What is there, as Personalize describes it, by name."""

    is_there: bool = True
    solutions: Mapping[str, Described] = field(default_factory=dict)
    campaigns: Mapping[str, Described] = field(default_factory=dict)
    filters: Mapping[str, Described] = field(default_factory=dict)
    recommenders: Mapping[str, Described] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """`monthly`: US dollars for the config's campaigns and recommenders in 30 days at their minimum."""

    changes: tuple[Change, ...]
    monthly: float


def read_live(personalize: Any, group: str) -> Live:
    """The group in Personalize. Three calls a kind, and one for each resource."""
    kinds = ("solution", "campaign", "filter", "recommender")
    found: dict[str, dict[str, Described]] = {kind: {} for kind in kinds}
    resources = list(find_resources(personalize, [group]))
    for resource in resources:
        if resource.kind in found:
            found[resource.kind][resource.name] = resource.describe(personalize)
    return Live(bool(resources), *(found[kind] for kind in kinds))


def plan(group: str, config: Config, live: Live) -> Plan:
    """What would be made, changed and retired, in the order in which a run does it."""
    from chalicelib import costs

    changes = (
        [] if live.is_there else [Change("make", "dataset group", group, "by its first export")]
    )
    changes += _filters(group, config, live)
    changes += _recommenders(group, config, live)
    changes += _solutions(group, config, live)
    campaigns = [solution.campaign for solution in config.solution if _is_served(solution)]
    a_day = sum(costs.of_campaign(c.min_provisioned_tps).dollars for c in campaigns if c)
    running = [one for one in config.recommender if not one.stopped]
    a_day += sum(costs.of_recommender(one.name).dollars for one in running)
    return Plan(tuple(changes), a_day * DAYS_A_MONTH)


def _filters(group: str, config: Config, live: Live) -> Iterator[Change]:
    from chalicelib import names

    wanted = {names.filter_(group, f.name, f.expression): f.name for f in config.filter}
    for full, name in wanted.items():
        if full not in live.filters:
            # A filter's expression cannot be changed: another one is made in its place.
            is_changed = any(old.startswith(f"{group}-{name}-") for old in live.filters)
            yield Change("change" if is_changed else "make", "filter", name)
    for full in live.filters:
        if full not in wanted:
            yield Change("retire", "filter", full, "the API does not know it any more")


def _recommenders(group: str, config: Config, live: Live) -> Iterator[Change]:
    from chalicelib import names
    from chalicelib.personalize import recommenders

    wanted = {names.recommender(group, one.name): one for one in config.recommender}
    for full, one in wanted.items():
        made = live.recommenders.get(full)
        if made is None:
            yield Change("make", "recommender", one.name, f"{one.use_case}: trained and judged")
            continue
        use_case = made["recipeArn"].rpartition("/")[2]
        if use_case != one.use_case:
            detail = f"use_case {use_case!r} cannot become {one.use_case!r}: give the new one another name"
            yield Change("refuse", "recommender", one.name, detail)
        for what, (there, asked) in recommenders.other_settings(made, one).items():
            detail = f"{what}: {there} -> {asked}"
            yield Change("change", "recommender", one.name, detail)
    for full in live.recommenders:
        if full not in wanted:
            detail = "it answers no more; it costs on until you stop or delete it"
            yield Change("retire", "recommender", full, detail)


def _solutions(group: str, config: Config, live: Live) -> Iterator[Change]:
    from chalicelib import names

    wanted = {names.solution(group, solution.name): solution for solution in config.solution}
    for full, solution in wanted.items():
        if full not in live.solutions:
            yield Change(
                "make", "solution", solution.name, f"{solution.recipe}: trained and judged"
            )
        else:
            yield from _of_solution(solution, live.solutions[full])
        yield from _campaign(solution, live.campaigns.get(full))
    for full in live.solutions:
        if full not in wanted:
            costs_on = (
                "; its campaign costs on until you delete it" if full in live.campaigns else ""
            )
            yield Change("retire", "solution", full, f"it answers no more{costs_on}")


def _of_solution(solution: Solution, made: Described) -> Iterator[Change]:
    from chalicelib.personalize.solutions import unchangeable

    for what, (there, asked) in unchangeable(made, solution).items():
        yield Change(
            "refuse",
            "solution",
            solution.name,
            f"{what} {there!r} cannot become {asked!r}: give the new one another name",
        )


def _campaign(solution: Solution, made: Described | None) -> Iterator[Change]:
    from chalicelib.personalize.campaigns import other_settings

    if not _is_served(solution):
        if made is not None:
            yield Change("retire", "campaign", solution.name, "it answers no more")
        return
    wanted = solution.campaign
    if wanted is None:
        return
    if made is None:
        yield Change("make", "campaign", solution.name, "when the gate promotes the first version")
        return
    for what, (there, asked) in other_settings(made, wanted).items():
        yield Change("change", "campaign", solution.name, f"{what}: {there} -> {asked}")


def _is_served(solution: Solution) -> bool:
    from chalicelib.vocabulary.recipes import RECIPES

    return solution.campaign is not None and RECIPES[solution.recipe].type.has_campaign
