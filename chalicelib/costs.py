"""What a run costs on Amazon Personalize, roughly: a table of list prices and the quantities of one
run.

US dollars, us-east-1, from the public price page as known in 2025; check it before you plan by it.
Training hours of the classic recipes are the service's own count, unknown before it ran; an hour
per million interactions is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

PRICES_AS_OF = "2025"
INGESTION_PER_GB = 0.05
TRAINING_PER_HOUR = 0.24
TRAINING_V2_PER_1000_INTERACTIONS = 0.002
BATCH_PER_1000_USERS = 0.067
CAMPAIGN_PER_1000_REQUESTS = 0.0556
SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Line:
    """`quantity` in `unit`, `dollars` for all of it."""

    what: str
    quantity: float
    unit: str
    dollars: float


def of_import(source_bytes: int) -> Line:
    gigabytes = source_bytes / 1e9
    return Line("data ingestion", gigabytes, "GB", gigabytes * INGESTION_PER_GB)


def of_training(recipe: str, interactions: int) -> Line:
    if recipe.endswith("-v2"):
        return Line(
            f"training {recipe}",
            interactions,
            "interactions",
            interactions / 1000 * TRAINING_V2_PER_1000_INTERACTIONS,
        )
    hours = max(1.0, interactions / 1e6)
    return Line(f"training {recipe}", hours, "training hours (assumed)", hours * TRAINING_PER_HOUR)


def of_batch(users: int) -> Line:
    return Line("batch inference for the gate", users, "users", users / 1000 * BATCH_PER_1000_USERS)


def of_campaign(min_provisioned_tps: int) -> Line:
    """A day of the campaign's minimum: it is billed whether anybody asks or not."""
    requests = min_provisioned_tps * SECONDS_A_DAY
    return Line(
        "campaign, a day at its minimum",
        requests,
        "requests",
        requests / 1000 * CAMPAIGN_PER_1000_REQUESTS,
    )
