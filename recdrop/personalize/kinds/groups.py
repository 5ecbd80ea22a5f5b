"""Dataset groups, schemas, datasets and event trackers."""

from __future__ import annotations

from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.warnings import warned
from recdrop.personalize.control.world import World
from recdrop.personalize.data.schemas import DATASET_TYPES, SchemaError, parse_schema
from recdrop.personalize.errors import AlreadyExistsError, InUseError, InvalidInputError
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule, Update
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request

DOMAIN_DATASETS = ("INTERACTIONS", "ITEMS", "USERS")
UPDATABLE = ("ITEMS", "USERS")  # whose schema UpdateDataset may replace
# Who deletes a group must have deleted these; the others go with it.
HELD_BY_GROUP = ("EventTracker", "Solution", "Recommender", "Dataset")
GONE_WITH_GROUP = ("Filter", "MetricAttribution")


def _prepare_group(_world: World, request: Request) -> Draft:
    if ("kmsKeyArn" in request) != ("roleArn" in request):
        raise InvalidInputError(
            "kmsKeyArn and roleArn go together: the role is what may use the key."
        )
    return Draft()


def _check_group_delete(world: World, group: Resource) -> None:
    for noun in HELD_BY_GROUP:
        held = world.in_group(noun, group.arn)
        if held:
            raise InUseError(f"{group.arn} still has a {noun}: {held[0].arn}. Delete it first.")


def _group_deleted(world: World, group: Resource, _result: Doc) -> Resource:
    for noun in GONE_WITH_GROUP:
        for resource in world.in_group(noun, group.arn):
            world.tx.delete(resource)
    world.tx.execute("DELETE FROM events WHERE grp = ?", (group.arn,))
    return group


def _prepare_schema(world: World, request: Request) -> Draft:
    try:
        schema = parse_schema(
            request["schema"], domain=request.get("domain"), strict=world.settings.strict
        )
    except SchemaError as error:
        raise InvalidInputError(str(error)) from error
    return Draft(notes=warned(request["name"], schema.warnings))


def _check_schema_delete(world: World, schema: Resource) -> None:
    users = [
        dataset for dataset in world.tx.all("Dataset") if dataset.doc["schemaArn"] == schema.arn
    ]
    if users:
        raise InUseError(f"{schema.arn} is used by {users[0].arn}.")


def _dataset_type(request: Request) -> str:
    kind = str(request["datasetType"]).upper()
    if kind not in DATASET_TYPES:
        raise InvalidInputError(
            f"Dataset type {request['datasetType']!r} does not exist. "
            f"Expected one of: {', '.join(DATASET_TYPES)}."
        )
    return kind


def _dataset_tail(_world: World, request: Request) -> str:
    return f"dataset/{request['datasetGroupArn'].rpartition('/')[2]}/{_dataset_type(request)}"


def _prepare_dataset(world: World, request: Request) -> Draft:
    group, early = world.find_coming(request["datasetGroupArn"], "DatasetGroup")
    kind = _dataset_type(request)
    if group.doc.get("domain") and kind not in DOMAIN_DATASETS:
        raise InvalidInputError(
            f"A {group.doc['domain']} group has no {kind} dataset. Expected one of: {DOMAIN_DATASETS}."
        )
    _check_schema_fits(world, request["schemaArn"], kind, group.doc.get("domain"))
    # Action interactions come in by an id of their dataset, other events by that of an event tracker.
    tracking = {"trackingId": world.new_id("tracker")} if kind == "ACTION_INTERACTIONS" else {}
    return Draft({"datasetType": kind, **tracking}, warned(request["name"], early))


def _check_schema_fits(world: World, schema_arn: str, kind: str, domain: str | None) -> None:
    schema = world.find(schema_arn, "Schema")
    if schema.doc.get("domain") != domain:
        raise InvalidInputError(
            f"Schema {schema.arn} has domain {schema.doc.get('domain')!r}. Expected {domain!r}."
        )
    found = parse_schema(schema.doc["schema"], domain=domain).dataset_type
    if found != kind:
        raise InvalidInputError(
            f"Schema {schema.arn} is for a dataset of type {found}. Expected {kind}."
        )


def _check_dataset_update(world: World, dataset: Resource, request: Request) -> Doc:
    if dataset.status != "ACTIVE":
        raise InUseError(f"{dataset.arn} is in status {dataset.status}. Expected ACTIVE.")
    kind = dataset.doc["datasetType"]
    if kind not in UPDATABLE:
        raise InvalidInputError(
            f"The schema of a dataset of type {kind} cannot be replaced. "
            f"Expected one of: {', '.join(UPDATABLE)}."
        )
    group = world.find(dataset.doc["datasetGroupArn"], "DatasetGroup")
    domain = group.doc.get("domain")
    _check_schema_fits(world, request["schemaArn"], kind, domain)
    old, new = (
        parse_schema(world.find(arn, "Schema").doc["schema"], domain=domain)
        for arn in (dataset.doc["schemaArn"], request["schemaArn"])
    )
    for spec in old.fields:
        if spec not in new.fields:
            raise InvalidInputError(
                f"Schema {request['schemaArn']} lacks field {spec.name} or changes it. "
                "Expected every field of the dataset's schema as it is."
            )
    for spec in new.fields:
        if spec.name not in old.names and not spec.nullable:
            raise InvalidInputError(
                f"Schema {request['schemaArn']} adds field {spec.name}, which may not be null. "
                "Expected new fields to allow null."
            )
    return {"schemaArn": request["schemaArn"]}


def _show_dataset(_world: World, dataset: Resource) -> Doc:
    """Seen: while its schema is being replaced, the dataset itself is UPDATE PENDING and so on."""
    status = dataset.doc.get("latestDatasetUpdate", {}).get("status")
    if status not in PENDING:
        return dataset.doc
    return {**dataset.doc, "status": status.replace("CREATE", "UPDATE")}


def _apply_dataset_update(_world: World, dataset: Resource, change: Doc) -> Resource:
    return dataset.with_doc(schemaArn=change["schemaArn"])


def _check_dataset_delete(world: World, dataset: Resource) -> None:
    imports = [
        job for job in world.tx.all("DatasetImportJob") if job.doc["datasetArn"] == dataset.arn
    ]
    versions = world.in_group("SolutionVersion", dataset.doc["datasetGroupArn"])
    for resource in (*imports, *versions):
        if resource.status in PENDING:
            raise InUseError(
                f"{dataset.arn} is used by {resource.arn}, which is in status {resource.status}."
            )


def _dataset_deleted(world: World, dataset: Resource, _result: Doc) -> Resource:
    world.tx.execute("DELETE FROM records WHERE dataset = ?", (dataset.arn,))
    # Streamed events are kept by group, as they come without a dataset.
    streamed = {"INTERACTIONS": "interaction", "ACTION_INTERACTIONS": "action"}.get(
        dataset.doc["datasetType"]
    )
    world.tx.execute(
        "DELETE FROM events WHERE grp = ? AND kind = ?", (dataset.doc["datasetGroupArn"], streamed)
    )
    return dataset


def _tracker_tail(world: World, _request: Request) -> str:
    return f"event-tracker/{world.new_id('tracker-arn')[:8]}"


def _prepare_tracker(world: World, request: Request) -> Draft:
    group = world.find_active(request["datasetGroupArn"], "DatasetGroup")
    present = world.in_group("EventTracker", group.arn)
    if present:
        raise AlreadyExistsError.of(present[0].arn)
    digits = world.new_id("tracking")
    tracking = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return Draft({"trackingId": tracking, "accountId": world.settings.account})


KINDS = (
    Kind(
        "DatasetGroup",
        "dataset-group/{name}",
        _prepare_group,
        course="found",
        leaving="dissolve",
        quotas=(QuotaRule("dataset_groups"),),
        check_delete=_check_group_delete,
        done={"dissolve": _group_deleted},
    ),
    Kind(
        "Schema",
        "schema/{name}",
        _prepare_schema,
        course=None,
        leaving=None,
        quotas=(QuotaRule("schemas"),),
        check_delete=_check_schema_delete,
    ),
    Kind(
        "Dataset",
        _dataset_tail,
        _prepare_dataset,
        update=Update("latestDatasetUpdate", _check_dataset_update, _apply_dataset_update),
        check_delete=_check_dataset_delete,
        done={"delete": _dataset_deleted},
        show=_show_dataset,
    ),
    Kind("EventTracker", _tracker_tail, _prepare_tracker),
)
