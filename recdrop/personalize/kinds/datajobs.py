"""Jobs on datasets: import, export, deletion of users."""

from __future__ import annotations

from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.warnings import warned
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import InvalidInputError
from recdrop.personalize.kinds.snapshots import forget_bulk, snapshot
from recdrop.service.resources.kinds import Draft, Kind, QuotaRule
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request


def _prepare_import(world: World, request: Request) -> Draft:
    dataset, early = world.find_coming(request["datasetArn"], "Dataset")
    if "dataLocation" not in request["dataSource"]:
        raise InvalidInputError(
            "dataSource.dataLocation is missing. Expected an S3 path such as s3://bucket/folder/."
        )
    mode = request.get("importMode", "FULL")
    if mode == "INCREMENTAL" and not dataset.notes.get("files"):
        raise InvalidInputError(
            f"{dataset.arn} has no bulk data yet. "
            "Expected importMode FULL for the first import, got INCREMENTAL."
        )
    if request.get("publishAttributionMetricsToS3"):
        _attribution(world, dataset)
    return Draft(
        {
            "importMode": mode,
            "publishAttributionMetricsToS3": request.get("publishAttributionMetricsToS3", False),
            "datasetGroupArn": dataset.doc["datasetGroupArn"],
        },
        warned(request["jobName"], early),
    )


def _attribution(world: World, dataset: Resource) -> Resource:
    """The metric attribution of the group, which must have a place for reports."""
    found = world.in_group("MetricAttribution", dataset.doc["datasetGroupArn"])
    has_place = [
        attribution
        for attribution in found
        if "s3DataDestination" in attribution.doc["metricsOutputConfig"]
    ]
    if not has_place or dataset.doc["datasetType"] != "INTERACTIONS":
        raise InvalidInputError(
            "publishAttributionMetricsToS3 is true. Expected an INTERACTIONS dataset "
            "and a metric attribution in its group with an s3DataDestination."
        )
    return has_place[0]


def _report(world: World, job: Resource, dataset: Resource) -> Doc | None:
    if not job.doc["publishAttributionMetricsToS3"]:
        return None
    attribution = _attribution(world, dataset)
    return {
        "metrics": attribution.doc["metrics"],
        "path": attribution.doc["metricsOutputConfig"]["s3DataDestination"]["path"],
        "role": attribution.doc["metricsOutputConfig"].get("roleArn"),
        "job": job.doc["jobName"],
        "time": int(world.now),
        "snapshot": snapshot(world, dataset.doc["datasetGroupArn"]),
    }


def _import_job(world: World, job: Resource) -> Doc:
    dataset = world.find(job.doc["datasetArn"], "Dataset")
    schema = world.find(dataset.doc["schemaArn"], "Schema")
    is_incremental = job.doc["importMode"] == "INCREMENTAL"
    return {
        "work": "import",
        "dataset_type": dataset.doc["datasetType"],
        "schema": schema.doc["schema"],
        "domain": schema.doc.get("domain"),
        "location": job.doc["dataSource"]["dataLocation"],
        "role": job.doc.get("roleArn"),
        "earlier": list(dataset.notes.get("files", ())) if is_incremental else [],
        "attribution": _report(world, job, dataset),
        "strict": world.settings.strict,
        "minimum_rows": world.settings.quotas["minimum_interactions_per_import"],
        "maximum_bytes": world.settings.quotas[
            "incremental_import_bytes" if is_incremental else "full_import_bytes"
        ],
    }


def _imported(world: World, job: Resource, result: Doc) -> Resource:
    """The files of the dataset change only here, so that a dead worker leaves nothing half done."""
    dataset = world.find(job.doc["datasetArn"], "Dataset")
    earlier = dataset.notes.get("files", []) if job.doc["importMode"] == "INCREMENTAL" else []
    notes = {
        "files": [*earlier, result["file"]],
        "index": result.get("index"),
        "event_types": result.get("event_types"),
    }
    world.tx.put(dataset.with_notes(**notes).with_doc(lastUpdatedDateTime=world.now))
    found = warned(job.arn, result["warnings"])["warnings"]
    return job.with_notes(rows=result["rows"], warnings=[*job.notes["warnings"], *found])


def _prepare_export(world: World, request: Request) -> Draft:
    dataset = world.find_active(request["datasetArn"], "Dataset")
    _check_folder(request["jobOutput"]["s3DataDestination"]["path"])
    return Draft(
        {
            "ingestionMode": request.get("ingestionMode", "PUT"),
            "datasetGroupArn": dataset.doc["datasetGroupArn"],
        }
    )


def _export_job(world: World, job: Resource) -> Doc:
    dataset = world.find(job.doc["datasetArn"], "Dataset")
    return {
        "work": "export",
        "dataset_type": dataset.doc["datasetType"],
        "snapshot": snapshot(world, dataset.doc["datasetGroupArn"]),
        "mode": job.doc["ingestionMode"],
        "role": job.doc.get("roleArn"),
        "destination": job.doc["jobOutput"]["s3DataDestination"]["path"],
        "name": job.doc["jobName"],
    }


def _prepare_deletion(world: World, request: Request) -> Draft:
    world.find_active(request["datasetGroupArn"], "DatasetGroup")
    if "dataLocation" not in request["dataSource"]:
        raise InvalidInputError(
            "dataSource.dataLocation is missing. Expected an S3 path such as s3://bucket/folder/."
        )
    return Draft({"numDeleted": 0})


def _deletion_job(world: World, job: Resource) -> Doc:
    return {
        "work": "delete",
        "snapshot": snapshot(world, job.doc["datasetGroupArn"]),
        "location": job.doc["dataSource"]["dataLocation"],
        "role": job.doc.get("roleArn"),
    }


def _deleted(world: World, job: Resource, result: Doc) -> Resource:
    """The worker has written the bulk files anew without the users; the streamed rows go here."""
    group = job.doc["datasetGroupArn"]
    for solution in world.in_group("Solution", group):
        world.tx.put(forget_bulk(solution))
    of_group = [(group, user) for user in result["users"]]
    before = world.tx.query("SELECT count(*) FROM events WHERE grp = ?", (group,))[0][0]
    world.tx.execute_many("DELETE FROM events WHERE grp = ? AND user_id = ?", of_group)
    after = world.tx.query("SELECT count(*) FROM events WHERE grp = ?", (group,))[0][0]
    for arn, changed in result["datasets"].items():
        dataset = world.find(arn, "Dataset")
        world.tx.put(dataset.with_notes(**changed))
        if dataset.doc["datasetType"] == "USERS":
            records = [(arn, user) for user in result["users"]]
            world.tx.execute_many(
                "DELETE FROM records WHERE dataset = ? AND record_id = ?", records
            )
    return job.with_doc(numDeleted=result["rows"] + before - after)


def _check_folder(path: str) -> None:
    if not (path.startswith("s3://") and path.endswith("/")):
        raise InvalidInputError(
            f"Invalid S3 output path: {path!r}. Expected s3://bucket/folder/ with a slash at its end."
        )


KINDS = (
    Kind(
        "DatasetImportJob",
        "dataset-import-job/{jobName}",
        _prepare_import,
        quotas=(QuotaRule("import_jobs_in_progress", states=PENDING),),
        jobs={"create": _import_job},
        done={"create": _imported},
    ),
    Kind(
        "DatasetExportJob",
        "dataset-export-job/{jobName}",
        _prepare_export,
        quotas=(QuotaRule("export_jobs_in_progress", states=PENDING),),
        jobs={"create": _export_job},
    ),
    Kind(
        "DataDeletionJob",
        "data-deletion-job/{jobName}",
        _prepare_deletion,
        course="erase",
        quotas=(
            QuotaRule(
                "data_deletion_jobs_in_progress_per_group", scope="datasetGroupArn", states=PENDING
            ),
        ),
        jobs={"erase": _deletion_job},
        done={"erase": _deleted},
    ),
)
