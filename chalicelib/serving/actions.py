"""The actions that a user is likeliest to take. There is no popular list of actions to fall back on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.errors import Missing, Refused
from chalicelib.serving.calls import Caller, Deadline
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import BadRequest, NotFound, NotReady, one_of
from chalicelib.serving.group import Group
from chalicelib.serving.options import Options

if TYPE_CHECKING:
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient

DEFAULT_ACTIONS, MAX_ACTIONS = 5, 100  # the service's own


class ActionItem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    action_id: str
    score: float | None = None


class ActionAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """`actions` are the likeliest first."""

    actions: tuple[ActionItem, ...]
    group: str
    solution: str
    recipe: str
    solution_version: str | None = None
    recommendation_id: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class Actions:
    """`client` gives the one client of Personalize's runtime."""

    catalogue: Catalogue
    client: Callable[[], PersonalizeRuntimeClient]
    caller: Caller

    def of(self, user: str, options: Options, deadline: Deadline) -> ActionAnswer:
        """The next best actions of a user.

        Raises:
            BadRequest: the service refuses the question, or it has a wish that actions do not take.
            NotReady: no solution of the group recommends actions yet.
            AwsError: the campaign does not answer now.
        """
        _check(options)
        group = self.catalogue.group(options.group)
        record = group.find_solution(options.solution, "action")
        if record is None or record.campaign_arn is None:
            raise NotReady(f"Group {group.name!r} has no solution that recommends actions yet.")
        arguments = {
            "campaignArn": record.campaign_arn,
            "userId": user,
            "numResults": options.num_results,
            **_filter(group, options),
        }
        try:
            found = self.caller.call(self.client().get_action_recommendations, arguments, deadline)
        except Refused as refusal:
            raise BadRequest(f"The service refused the request: {refusal.message}") from refusal
        except Missing as failure:
            raise NotReady(
                f"The campaign, or its filter, is not there ({failure.code})."
            ) from failure
        return ActionAnswer(
            actions=tuple(
                ActionItem(action["actionId"], action.get("score"))
                for action in found["actionList"]
            ),
            group=group.name,
            solution=record.solution,
            recipe=record.recipe,
            solution_version=record.solution_version_arn,
            recommendation_id=found.get("recommendationId"),
            run=record.run,
        )


def _check(options: Options) -> None:
    if options.num_results > MAX_ACTIONS:
        raise BadRequest(
            f"numResults has value {options.num_results}. Expected 1 to {MAX_ACTIONS} for actions."
        )
    if options.context or options.metadata is not None:
        raise BadRequest("Actions take neither context nor metadata.")


def _filter(group: Group, options: Options) -> dict[str, Any]:
    if options.filter is None:
        return {}
    if options.filter not in group.filters:
        known = one_of(group.filters)
        raise NotFound(
            f"Group {group.name!r} has no filter {options.filter!r}. Expected one of: {known}."
        )
    return {
        "filterArn": group.filters[options.filter],
        "filterValues": dict(options.filter_values),
    }
