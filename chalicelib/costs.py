"""What a run costs on Amazon Personalize, roughly: a table of list prices and the quantities of one run.

US dollars, us-east-1, from the public price page as known in 2025; check it before you plan by it.
Training hours of the classic recipes are the service's own count, unknown before it ran; an hour per
million interactions is assumed.
"""

from __future__ import annotations

from chalicelib.documents import CostLine
from chalicelib.vocabulary.recipes import Recipe

PRICES_AS_OF = "2025"
INGESTION_PER_GB = 0.05
TRAINING_PER_HOUR = 0.24
TRAINING_PER_1000_INTERACTIONS = 0.002
BATCH_PER_1000_USERS = 0.067
CAMPAIGN_PER_1000_REQUESTS = 0.0556
RECOMMENDER_PER_HOUR = 0.375  # of a group with up to 100,000 users; its training is in it
SECONDS_A_DAY = 86_400


def of_import(source_bytes: int) -> CostLine:
    gigabytes = source_bytes / 1e9
    return CostLine("data ingestion", gigabytes, "GB", gigabytes * INGESTION_PER_GB)


def of_training(recipe: Recipe, interactions: int) -> CostLine:
    """By the recipe's price class. A full training of a v2 recipe is billed by interactions."""
    what = f"training {recipe.name}"
    if recipe.price == "interactions":
        dollars = interactions / 1000 * TRAINING_PER_1000_INTERACTIONS
        return CostLine(what, interactions, "interactions", dollars)
    hours = max(1.0, interactions / 1e6)
    return CostLine(what, hours, "training hours (assumed)", hours * TRAINING_PER_HOUR)


def of_batch(users: int) -> CostLine:
    dollars = users / 1000 * BATCH_PER_1000_USERS
    return CostLine("batch inference for the gate", users, "users", dollars)


def of_campaign(min_provisioned_tps: int) -> CostLine:
    """A day of the campaign's minimum: it is billed whether anybody asks or not."""
    requests = min_provisioned_tps * SECONDS_A_DAY
    dollars = requests / 1000 * CAMPAIGN_PER_1000_REQUESTS
    return CostLine("campaign, a day at its minimum", requests, "requests", dollars)


def of_recommender(name: str) -> CostLine:
    """A day of it, whether anybody asks or not; it costs nothing while it is stopped."""
    return CostLine(f"recommender {name}, a day", 24, "hours", 24 * RECOMMENDER_PER_HOUR)
