"""What a dataset group holds already, by name: whoever made it."""

from __future__ import annotations

from typing import Any

from chalicelib.aws import call
from chalicelib.personalize.calls import Calls


class Inventory(Calls):
    """Listings that quotas are counted by."""

    def names_in_group(self, group: str) -> dict[str, frozenset[str]]:
        """The names of the group's campaigns, recommenders, solutions and filters."""
        arn = self.arns.dataset_group(group)
        solutions = self._all("list_solutions", "solutions", datasetGroupArn=arn)
        campaigns = [
            campaign
            for solution in solutions
            for campaign in self._all(
                "list_campaigns", "campaigns", solutionArn=solution["solutionArn"]
            )
        ]
        recommenders = self._all("list_recommenders", "recommenders", datasetGroupArn=arn)
        filters = self._all("list_filters", "Filters", datasetGroupArn=arn)
        found = {
            "campaigns": campaigns,
            "recommenders": recommenders,
            "solutions": solutions,
            "filters": filters,
        }
        return {kind: frozenset(str(one["name"]) for one in all_) for kind, all_ in found.items()}

    def _all(self, operation: Any, member: str, **about: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator(operation)
        listed: list[dict[str, Any]] = call(lambda: list(pages.paginate(**about)))
        return [one for page in listed for one in page[member]]
