"""Nothing is imported or trained that could not be served: quotas come first."""

from __future__ import annotations

from chalicelib import names
from chalicelib.config.sections import Config
from chalicelib.errors import ConfigurationError
from chalicelib.runs import Run


def check_quotas(run: Run) -> None:
    """What the config names fits beside what the group has and the config does not name.

    Raises:
        ConfigurationError: with the quota, what is there, and the way out.
    """
    wanted = _wanted(run.config, run.group)
    for kind, known in run.personalize.names_in_group(run.group).items():
        most, missing = getattr(run.config.quotas, kind), wanted[kind] - known
        # What is there already is found, not made: a full group goes on as it is.
        if missing and len(known) + len(missing) > most:
            others = sorted(known - wanted[kind])
            raise ConfigurationError(
                f"Quota {kind} per dataset group: {len(known)} of {most} are there, and recdrop.toml "
                f"adds {', '.join(sorted(missing))}. Not in recdrop.toml: "
                f"{', '.join(others) or '(none)'}. Delete of these what nobody needs, name fewer, or "
                f"have the quota raised at AWS (Service Quotas) and set quotas.{kind}."
            )


def _wanted(config: Config, group: str) -> dict[str, frozenset[str]]:
    recommenders = (names.recommender(group, entry.name) for entry in config.recommender)
    filters = (names.filter_(group, entry.name, entry.expression) for entry in config.filter)
    return {
        "campaigns": frozenset(names.campaign(group, name) for name in config.with_campaign),
        "recommenders": frozenset(recommenders),
        "solutions": frozenset(names.solution(group, entry.name) for entry in config.solution),
        "filters": frozenset(filters),
    }
