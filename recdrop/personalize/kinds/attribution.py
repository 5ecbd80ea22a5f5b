"""Metric attributions: which events count towards which business metric, and where reports go."""

from __future__ import annotations

import re
from typing import Any

from recdrop.personalize.control.pages import page
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import (
    AlreadyExistsError,
    InUseError,
    InvalidInputError,
    LimitExceededError,
)
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request

MOST_METRICS = 10
_EXPRESSION = re.compile(
    r"SUM\((Interactions\.EVENT_VALUE|Items\.[A-Za-z_]\w*)\)|SAMPLECOUNT\(\)", re.IGNORECASE
)


def _prepare(world: World, request: Request) -> Draft:
    group = world.find_active(request["datasetGroupArn"], "DatasetGroup")
    _check_metrics(request["metrics"])
    # One for each group: the service says that it exists, not that there are too many.
    present = world.in_group("MetricAttribution", group.arn)
    if present:
        raise AlreadyExistsError.of(present[0].arn)
    return Draft()


def _check_metrics(metrics: list[dict[str, Any]]) -> None:
    names = [metric["metricName"] for metric in metrics]
    if len(set(names)) != len(names):
        raise AlreadyExistsError(f"Metric names {names} are not unique.")
    for metric in metrics:
        if not _EXPRESSION.fullmatch(metric["expression"].replace(" ", "")):
            raise InvalidInputError(
                f"Metric expression {metric['expression']!r} of {metric['metricName']!r} is not one. "
                "Expected SUM(Items.COLUMN), SUM(Interactions.EVENT_VALUE) or SAMPLECOUNT()."
            )


def _check_update(_world: World, attribution: Resource, request: Request) -> Doc:
    if attribution.status != "ACTIVE":
        raise InUseError(f"{attribution.arn} is in status {attribution.status}. Expected ACTIVE.")
    present = {metric["metricName"]: metric for metric in attribution.doc["metrics"]}
    for name in request.get("removeMetrics", ()):
        if present.pop(name, None) is None:
            raise InvalidInputError(
                f"Metric {name!r} does not exist. Expected one of: {', '.join(present)}."
            )
    metrics = [*present.values(), *request.get("addMetrics", ())]
    _check_metrics(metrics)
    if len(metrics) > MOST_METRICS:
        raise LimitExceededError(
            f"There would be {len(metrics)} metrics. Expected at most {MOST_METRICS}."
        )
    output = request.get("metricsOutputConfig", attribution.doc["metricsOutputConfig"])
    return {"metrics": metrics, "metricsOutputConfig": output}


def _apply_update(_world: World, attribution: Resource, change: Doc) -> Resource:
    return attribution.with_doc(**change)


def list_metrics(world: World, request: Request) -> Doc:
    arn = request.get("metricAttributionArn")
    if arn is None:
        raise InvalidInputError("metricAttributionArn is missing.")
    attribution = world.tx.get(arn)
    if attribution is None or attribution.kind != "MetricAttribution":
        raise InvalidInputError(
            f"Resource Arn {arn} does not exist."
        )  # the operation models no RNF
    return page(
        PERSONALIZE.operations["ListMetricAttributionMetrics"],
        request,
        list(enumerate(attribution.doc["metrics"], 1)),
    )


SPECIALS = {"ListMetricAttributionMetrics": list_metrics}

KINDS = (
    Kind(
        "MetricAttribution",
        "metric-attribution/{name}",
        _prepare,
        quotas=(QuotaRule("metric_attributions_per_group", scope="datasetGroupArn"),),
        update=Update(None, _check_update, _apply_update),
    ),
)
