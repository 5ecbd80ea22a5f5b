from __future__ import annotations

import json

import pytest

from chalicelib import layout
from chalicelib.errors import ResourceFailed, ResourcePending
from chalicelib.personalize.backend import Personalize
from chalicelib.runs import Run
from tests.chalicelib.town import INTERACTIONS, Town, persist


def group_with_dataset(personalize: Personalize, name: str) -> None:
    persist(lambda: personalize.ensure_group(name, None))
    schema = personalize.ensure_schema(name, "interactions", INTERACTIONS, None)
    persist(lambda: personalize.ensure_dataset(name, "interactions", schema))


def write_rows(town: Town, group: str, run: str, rows: int = 1_200) -> str:
    lines = [f"u{n % 60},i{n % 40},{1_700_000_000 + n}" for n in range(rows)]
    folder = layout.clean(group, "interactions", run)
    town.context.work.write(
        folder + "part-00000.csv", "\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *lines, ""])
    )
    return town.context.work.url(folder)


def modes(personalize: Personalize, group: str) -> list[str]:
    arn = personalize.arns.dataset(group, "interactions")
    jobs = personalize.client.list_dataset_import_jobs(datasetArn=arn)["datasetImportJobs"]
    return sorted(job["importMode"] for job in jobs)


def test_the_first_import_is_full_whatever_is_asked_and_a_job_is_made_once(town: Town) -> None:
    personalize = town.context.personalize
    group_with_dataset(personalize, "importing")
    for run in ("one", "one", "two"):
        folder = write_rows(town, "importing", run)
        persist(
            lambda run=run, folder=folder: personalize.ensure_import(  # type: ignore[misc]
                "importing", "interactions", run, folder, "INCREMENTAL"
            )
        )
    assert modes(personalize, "importing") == ["FULL", "INCREMENTAL"]


def test_an_import_of_nothing_fails_with_the_services_reason(town: Town) -> None:
    personalize = town.context.personalize
    group_with_dataset(personalize, "empty")
    folder = town.context.work.url("clean/empty/interactions/none/")
    with pytest.raises(ResourceFailed, match="import of interactions: CREATE FAILED"):
        persist(lambda: personalize.ensure_import("empty", "interactions", "r", folder, "FULL"))


def test_questions_are_answered_beside_where_they_are_asked(promoted: Run) -> None:
    work, personalize = promoted.work, promoted.context.personalize
    version = promoted.ledger.version(promoted.name, "for-you")
    assert version is not None
    work.write("asked/lines.json", '{"userId": "u001"}\n{"userId": "u002"}\n')

    def ask() -> None:
        personalize.answer_in_bulk(
            "by-hand", version, work.url("asked/lines.json"), work.url("answered/"), num_results=3
        )

    with pytest.raises(ResourcePending):
        ask()
    persist(ask)
    lines = work.read("answered/lines.json.out").decode().splitlines()
    assert [len(json.loads(line)["output"]["recommendedItems"]) for line in lines] == [3, 3]
