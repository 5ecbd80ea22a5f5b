"""For every modelled error of every operation, a request that the service refuses with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.personalize.conformance.life import ROLE, Record
from tests.recdrop.personalize.conformance.stage import Frozen

MANY_TAGS = [{"tagKey": f"key{number}", "tagValue": ""} for number in range(51)]
NOT_PERSONALIZE = ("roleArn", "kmsKeyArn")

# Modelled, but no state of the resources leads there: the error is the service's way to say "slow
# down" or "not now", and comes when a fault plan asks for it.
ON_DEMAND = {
    ("CreateDataset", "LimitExceededException"),
    ("CreateEventTracker", "LimitExceededException"),
    ("TagResource", "LimitExceededException"),
    ("UpdateSolution", "LimitExceededException"),
    ("ListTagsForResource", "ResourceInUseException"),
    ("TagResource", "ResourceInUseException"),
    ("UntagResource", "ResourceInUseException"),
}

Request = dict[str, Any]
Members = Callable[[Record, Mapping[str, str]], Request]


@dataclass(frozen=True)
class Refusal:
    operation: str
    code: str
    where: str = "busy"
    """Which server: `busy` (time stands still) or `full` (no quota left)."""
    request: Members = field(default=lambda _record, _pending: {})
    headers: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def __str__(self) -> str:
        return f"{self.operation} {self.code}{' ' if self.note else ''}{self.note}"


def refusals() -> list[Refusal]:
    return [
        refusal
        for operation in PERSONALIZE.operations.values()
        for code in sorted(operation.errors)
        for refusal in _refusals(operation.name, code)
    ]


def _refusals(name: str, code: str) -> list[Refusal]:
    if (name, code) in ON_DEMAND:
        fault = json.dumps({"fault": "error", "code": code, "message": "Slow down.", "status": 400})
        return [
            Refusal(
                name,
                code,
                request=_good(name),
                headers={"X-Recdrop-Fault": fault},
                note="on demand",
            )
        ]
    return _MAKERS[code](name)


# -- one maker per error


def _invalid_input(name: str) -> list[Refusal]:
    wrong = {"maxResults": 0} if name.startswith("List") and name != "ListTagsForResource" else {}
    if name in ("GetRecommendations", "GetActionRecommendations"):
        wrong = {"numResults": -1}
    return [Refusal(name, "InvalidInputException", request=lambda _record, _pending: wrong)]


def _invalid_token(name: str) -> list[Refusal]:
    tokens = {"nonsense": "nonsense", "of another list": "bm9uc2Vuc2U6NQ=="}
    return [
        Refusal(name, "InvalidNextTokenException", request=_with(name, nextToken=token), note=note)
        for note, token in tokens.items()
    ]


def _not_found(name: str) -> list[Refusal]:
    if name == "PutActionInteractions":
        return [
            Refusal(name, "ResourceNotFoundException", request=_with(name, trackingId="absent"))
        ]
    members = [
        member
        for member in PERSONALIZE.operations[name].input.members
        if member.endswith("Arn") and member not in NOT_PERSONALIZE
    ]
    return [
        Refusal(name, "ResourceNotFoundException", request=_absent(name, member), note=member)
        for member in members
        if (name, member) != ("GetRecommendations", "recommenderArn")
    ]


def _absent(name: str, member: str) -> Members:
    def request(record: Record, _pending: Mapping[str, str]) -> Request:
        good = _fresh(name, record)
        present = good.get(
            member, record.arns["genre"] if member == "filterArn" else record.arns["films version"]
        )
        if member == "filterArn":
            good.pop("filterValues", None)
        return {**good, member: f"{present.rpartition('/')[0]}/absent"}

    return request


def _already_exists(name: str) -> list[Refusal]:
    if name == "UpdateMetricAttribution":
        metric = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
        return [
            Refusal(
                name,
                "ResourceAlreadyExistsException",
                request=_with(name, addMetrics=[metric], removeMetrics=[]),
            )
        ]
    return [Refusal(name, "ResourceAlreadyExistsException", request=_good(name))]


def _limit_exceeded(name: str) -> list[Refusal]:
    return [
        Refusal(
            name,
            "LimitExceededException",
            where="full",
            request=lambda record, _pending: _fresh(name, record),
        )
    ]


def _too_many_tags(name: str) -> list[Refusal]:
    return [
        Refusal(
            name,
            "TooManyTagsException",
            request=lambda record, _pending: {**_fresh(name, record), "tags": MANY_TAGS},
        )
    ]


def _too_many_keys(name: str) -> list[Refusal]:
    keys = [tag["tagKey"] for tag in MANY_TAGS]
    return [Refusal(name, "TooManyTagKeysException", request=_with(name, tagKeys=keys))]


def _in_use(name: str) -> list[Refusal]:
    def request(members: Members) -> Members:
        return lambda record, pending: {**_fresh(name, record), **members(record, pending)}

    return [
        Refusal(name, "ResourceInUseException", request=request(members), note=note)
        for note, members in _IN_USE[name].items()
    ]


_MAKERS: Mapping[str, Callable[[str], list[Refusal]]] = {
    "InvalidInputException": _invalid_input,
    "InvalidNextTokenException": _invalid_token,
    "ResourceNotFoundException": _not_found,
    "ResourceAlreadyExistsException": _already_exists,
    "LimitExceededException": _limit_exceeded,
    "TooManyTagsException": _too_many_tags,
    "TooManyTagKeysException": _too_many_keys,
    "ResourceInUseException": _in_use,
}


def _good(name: str) -> Members:
    return lambda record, _pending: record.requests[name]


def _with(name: str, **members: Any) -> Members:
    return lambda record, _pending: {**record.requests[name], **members}


def _fresh(name: str, record: Record) -> Request:
    """The good request, for a resource of another name."""
    good = dict(record.requests[name])
    if name.startswith("Create"):
        good |= {member: "fresh" for member in ("name", "jobName") if member in good}
    if name in (
        "CreateDataset",
        "CreateEventTracker",
        "CreateMetricAttribution",
    ):  # one of a kind in a group
        good["datasetGroupArn"] = record.arns["bare"]
    return good


# -- what is on its way


def begin(client: Frozen, record: Record) -> dict[str, str]:
    """Resources that stay PENDING on a server whose time stands still: label -> ARN."""
    arns = record.arns
    pending: dict[str, str] = {}

    def make(label: str, operation: str, **request: Any) -> None:
        answer = client.call(operation, **request)
        pending[label] = next(value for member, value in answer.items() if member.endswith("Arn"))

    make("stopping", "CreateSolutionVersion", solutionArn=arns["films"])
    client.let_pass(1)
    client.call("StopSolutionVersionCreation", solutionVersionArn=pending["stopping"])
    make("group", "CreateDatasetGroup", name="pending")
    for kind in ("INTERACTIONS", "ITEMS", "USERS", "ACTIONS", "ACTION_INTERACTIONS"):
        request = {
            "datasetGroupArn": arns["spare"],
            "schemaArn": arns[f"schema {kind}"],
            "datasetType": kind,
        }
        make(kind, "CreateDataset", name=f"pending-{kind.lower()}", **request)
    # A solution is ACTIVE from its first moment, and PENDING only when it is being deleted.
    make("solution", "CreateSolution", **{**record.requests["CreateSolution"], "name": "leaving"})
    client.call("DeleteSolution", solutionArn=pending["solution"])
    make("version", "CreateSolutionVersion", solutionArn=arns["ranking"])
    make("fans version", "CreateSolutionVersion", solutionArn=arns["fans"])
    make("campaign", "CreateCampaign", name="pending", solutionVersionArn=arns["films version"])
    make(
        "filter",
        "CreateFilter",
        name="pending",
        datasetGroupArn=arns["group"],
        filterExpression="INCLUDE ItemID WHERE Items.PRICE < 3",
    )
    make(
        "recommender",
        "CreateRecommender",
        **{**record.requests["CreateRecommender"], "name": "pending"},
    )
    make("tracker", "CreateEventTracker", name="pending", datasetGroupArn=arns["spare"])
    output = {"roleArn": ROLE, "s3DataDestination": {"path": "s3://bucket/metrics/"}}
    make(
        "attribution",
        "CreateMetricAttribution",
        name="pending",
        datasetGroupArn=arns["spare"],
        metrics=[],
        metricsOutputConfig=output,
    )
    client.call("CreateSolutionVersion", solutionArn=arns["offers"])
    client.call("UpdateCampaign", campaignArn=arns["ranking campaign"], minProvisionedTPS=3)
    client.call("UpdateSolution", solutionArn=arns["fans"], performAutoTraining=True)
    client.call(
        "UpdateRecommender",
        recommenderArn=arns["popular"],
        recommenderConfig={"minRecommendationRequestsPerSecond": 5},
    )
    client.call("UpdateDataset", datasetArn=arns["ITEMS"], schemaArn=arns["schema ITEMS"])
    actions = client.call("DescribeDataset", datasetArn=pending["ACTION_INTERACTIONS"])["dataset"]
    pending["tracking"] = actions["trackingId"]
    return pending


def _pending(**labels: str) -> Members:
    """Members of the request that name what is on its way."""
    return lambda _record, pending: {member: pending[label] for member, label in labels.items()}


def _built(**labels: str) -> Members:
    """Members of the request that name what is ACTIVE, but needed or being changed."""
    return lambda record, _pending: {member: record.arns[label] for member, label in labels.items()}


_IN_USE: Mapping[str, Mapping[str, Members]] = {
    "CreateBatchInferenceJob": {
        "version pending": _pending(solutionVersionArn="version"),
        "filter pending": _pending(filterArn="filter"),
    },
    "CreateBatchSegmentJob": {"version pending": _pending(solutionVersionArn="fans version")},
    "CreateCampaign": {"version pending": _pending(solutionVersionArn="version")},
    "CreateDataDeletionJob": {"group pending": _pending(datasetGroupArn="group")},
    "CreateDataset": {"group pending": _pending(datasetGroupArn="group")},
    "CreateDatasetExportJob": {"dataset pending": _pending(datasetArn="INTERACTIONS")},
    "CreateDatasetImportJob": {"dataset pending": _pending(datasetArn="INTERACTIONS")},
    "CreateEventTracker": {"group pending": _pending(datasetGroupArn="group")},
    "CreateMetricAttribution": {"group pending": _pending(datasetGroupArn="group")},
    "CreateRecommender": {"group pending": _pending(datasetGroupArn="group")},
    "CreateSolution": {"group pending": _pending(datasetGroupArn="group")},
    "CreateSolutionVersion": {"solution being deleted": _pending(solutionArn="solution")},
    "DeleteCampaign": {
        "pending": _pending(campaignArn="campaign"),
        "being updated": _built(campaignArn="ranking campaign"),
    },
    "DeleteDataset": {
        "pending": _pending(datasetArn="ITEMS"),
        "version in training": _built(datasetArn="INTERACTIONS"),
    },
    "DeleteDatasetGroup": {
        "pending": _pending(datasetGroupArn="group"),
        "has datasets": _built(datasetGroupArn="group"),
    },
    "DeleteEventTracker": {"pending": _pending(eventTrackerArn="tracker")},
    "DeleteFilter": {"pending": _pending(filterArn="filter")},
    "DeleteMetricAttribution": {"pending": _pending(metricAttributionArn="attribution")},
    "DeleteRecommender": {
        "pending": _pending(recommenderArn="recommender"),
        "being updated": _built(recommenderArn="popular"),
    },
    "DeleteSchema": {"used by a dataset": _built(schemaArn="schema ITEMS")},
    "DeleteSolution": {
        "being deleted": _pending(solutionArn="solution"),
        "has a campaign": _built(solutionArn="films"),
        "being updated": _built(solutionArn="fans"),
        "version in training": _built(solutionArn="offers"),
    },
    "GetSolutionMetrics": {"version pending": _pending(solutionVersionArn="version")},
    "StartRecommender": {
        "active": _built(recommenderArn="popular"),
        "pending": _pending(recommenderArn="recommender"),
    },
    "StopRecommender": {"pending": _pending(recommenderArn="recommender")},
    "StopSolutionVersionCreation": {"stopping": _pending(solutionVersionArn="stopping")},
    "UpdateCampaign": {
        "pending": _pending(campaignArn="campaign"),
        "being updated": _built(campaignArn="ranking campaign"),
    },
    "UpdateDataset": {
        "pending": _pending(datasetArn="ITEMS"),
        "being updated": _built(datasetArn="ITEMS", schemaArn="schema ITEMS"),
    },
    "UpdateMetricAttribution": {"pending": _pending(metricAttributionArn="attribution")},
    "UpdateRecommender": {
        "pending": _pending(recommenderArn="recommender"),
        "being updated": _built(recommenderArn="popular"),
    },
    "UpdateSolution": {
        "being deleted": _pending(solutionArn="solution"),
        "being updated": _built(solutionArn="fans"),
    },
    "PutActionInteractions": {"dataset pending": _pending(trackingId="tracking")},
    "PutActions": {"dataset pending": _pending(datasetArn="ACTIONS")},
    "PutItems": {"dataset pending": _pending(datasetArn="ITEMS")},
    "PutUsers": {"dataset pending": _pending(datasetArn="USERS")},
}
