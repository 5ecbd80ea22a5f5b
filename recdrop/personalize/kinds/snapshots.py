"""What a dataset group holds at one moment: the files and stream positions that a worker may read.

A job gets a snapshot, so that it reads the same data however often it is started again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.world import World
from recdrop.service.resources.store import Resource


def snapshot(world: World, group_arn: str) -> dict[str, Any]:
    """Files by dataset type, and the last streamed event and record to be counted."""
    datasets = {dataset.doc["datasetType"]: dataset for dataset in live_datasets(world, group_arn)}
    return {
        "group": group_arn,
        "datasets": {kind: _described(world, dataset) for kind, dataset in datasets.items()},
        "events_upto": world.tx.query(
            "SELECT coalesce(max(id), 0) FROM events WHERE grp = ?", (group_arn,)
        )[0][0],
        "records_upto": world.tx.query(
            "SELECT coalesce(max(value), 0) FROM counters WHERE name = 'record'"
        )[0][0],
    }


def remember_bulk(solution: Resource, taken: Mapping[str, Any]) -> Resource:
    """The solution with the bulk data that its newest version was made from."""
    return solution.with_notes(bulk=taken["datasets"])


def forget_bulk(solution: Resource) -> Resource:
    """The solution once users were deleted: what it remembers of them counts no more."""
    return solution.with_notes(bulk=None)


def bulk_snapshot(world: World, solution: Resource) -> dict[str, Any]:
    """Bulk data as of the creation of the solution's newest version, streamed rows as of now.

    That is what batch jobs see, whichever version they are of (the guide, "Getting batch
    recommendations").
    """
    taken = snapshot(world, solution.doc["datasetGroupArn"])
    return {**taken, "datasets": solution.notes.get("bulk") or taken["datasets"]}


def live_datasets(world: World, group_arn: str) -> list[Resource]:
    return [
        dataset for dataset in world.in_group("Dataset", group_arn) if dataset.status == "ACTIVE"
    ]


def has_interactions(taken: Mapping[str, Any]) -> bool:
    interactions = taken["datasets"].get("INTERACTIONS")
    return bool(interactions and (interactions["files"] or taken["events_upto"]))


def fingerprint(taken: Mapping[str, Any], *, interactions_only: bool = False) -> str:
    """Equal for equal data: what automatic training and UPDATE mode compare."""
    datasets = {
        kind: dataset["files"]
        for kind, dataset in taken["datasets"].items()
        if kind == "INTERACTIONS" or not interactions_only
    }
    # Metadata alone does not start an automatic training.
    records = 0 if interactions_only else taken["records_upto"]
    return hashlib.sha256(
        json.dumps([datasets, taken["events_upto"], records], sort_keys=True).encode()
    ).hexdigest()


def _described(world: World, dataset: Resource) -> dict[str, Any]:
    schema = world.find(dataset.doc["schemaArn"], "Schema")
    return {
        "arn": dataset.arn,
        "schema": schema.doc["schema"],
        "domain": schema.doc.get("domain"),
        "files": list(dataset.notes.get("files", ())),
        "index": dataset.notes.get("index"),
    }
