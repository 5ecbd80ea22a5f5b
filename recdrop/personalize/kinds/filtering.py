"""Filters as resources: parsed and checked against the group's schemas when they are made."""

from __future__ import annotations

from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.data.schemas import DatasetSchema, parse_schema
from recdrop.personalize.errors import InUseError, InvalidInputError, LimitExceededError
from recdrop.personalize.filters.expressions import parse
from recdrop.personalize.filters.terms import FilterError
from recdrop.personalize.kinds.snapshots import live_datasets
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Request


def group_schemas(world: World, group_arn: str) -> dict[str, DatasetSchema]:
    schemas = {}
    for dataset in live_datasets(world, group_arn):
        schema = world.find(dataset.doc["schemaArn"], "Schema")
        schemas[str(dataset.doc["datasetType"])] = parse_schema(
            schema.doc["schema"], domain=schema.doc.get("domain")
        )
    return schemas


def _prepare(world: World, request: Request) -> Draft:
    # CreateFilter is the one Create with a parent that does not model ResourceInUseException.
    group = world.find_active(request["datasetGroupArn"], "DatasetGroup", busy=InvalidInputError)
    strict = not world.settings.mixed_filters
    try:
        parsed = parse(request["filterExpression"], strict=strict)
        parsed.check(group_schemas(world, group.arn))
    except FilterError as error:
        raise InvalidInputError(str(error)) from error
    quotas = world.settings.quotas
    others = [
        parse(other.doc["filterExpression"], strict=strict)
        for other in world.in_group("Filter", group.arn)
    ]
    together = parsed.fields.union(*(other.fields for other in others))
    if len(together) > quotas["fields_across_filters"]:
        raise LimitExceededError(
            f"Could not create filter. The filters of {group.arn} would use {len(together)} distinct fields. "
            f"Expected at most {quotas['fields_across_filters']}."
        )
    return Draft()


def _check_delete(world: World, chosen: Resource) -> None:
    for noun in ("BatchInferenceJob", "BatchSegmentJob"):
        for job in world.tx.all(noun):
            if job.doc.get("filterArn") == chosen.arn and job.status in PENDING:
                raise InUseError(
                    f"{chosen.arn} is used by {job.arn}, which is in status {job.status}."
                )


KINDS = (
    Kind(
        "Filter",
        "filter/{name}",
        _prepare,
        quotas=(QuotaRule("filters_per_group", scope="datasetGroupArn"),),
        check_delete=_check_delete,
    ),
)
