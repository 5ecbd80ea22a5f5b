"""What the service was seen to accept against its documents: taken with a warning, refused by
`strict`.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recdrop.personalize.server import PersonalizeServer
from recdrop.service.http.hosting import hosted
from tests.recdrop.personalize.driving import ROLE, Aws, interactions

AVRO = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "fields": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
}


def import_events(
    aws: Aws, name: str, avro: dict[str, Any], header: str, *more: list[object]
) -> dict[str, Any]:
    """The finished import job of interactions, and rows beside them, under that header."""
    personalize = aws.personalize
    made = personalize.create_schema(name=name, schema=json.dumps(avro))["schemaArn"]
    group = personalize.create_dataset_group(name=name)["datasetGroupArn"]
    aws.wait(personalize.describe_dataset_group, datasetGroupArn=group)
    dataset = personalize.create_dataset(
        name=name, schemaArn=made, datasetGroupArn=group, datasetType="INTERACTIONS"
    )["datasetArn"]
    aws.wait(personalize.describe_dataset, datasetArn=dataset)
    job = personalize.create_dataset_import_job(
        jobName=name,
        datasetArn=dataset,
        dataSource={"dataLocation": aws.upload(f"{name}.csv", header, [*interactions(), *more])},
        roleArn=ROLE,
    )["datasetImportJobArn"]
    return aws.wait(personalize.describe_dataset_import_job, datasetImportJobArn=job)


def test_warnings_are_told_in_the_log_and_at_a_page(
    aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    # Its own logger: Chalice, once imported, silences all that is called `recdrop`.
    log = logging.getLogger("recdrop.personalize.control.warnings")
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING, logger=log.name):
        done = import_events(aws, "odd", AVRO, "user_id,ITEM_ID,TIMESTAMP,Unnamed: 0")
    assert done["status"] == "ACTIVE", done
    log.removeHandler(caplog.handler)
    with urllib.request.urlopen(f"{aws.url}/_personalize/warnings") as answer:
        told = json.load(answer)
    mine = [
        (row["arn"].partition("/")[0].rpartition(":")[2], row["warning"])
        for row in told
        if row["arn"].endswith("/odd")
    ]
    assert mine == [
        ("schema", "Schema key 'version' has value None. Expected '1.0'."),
        (
            "dataset-import-job",
            "Input CSV has columns that are not in the schema:[Unnamed: 0].",
        ),
        (
            "dataset-import-job",
            "Input CSV has columns in another case than the schema:[user_id].",
        ),
    ]
    assert all(warning in caplog.text for _, warning in mine)


def test_a_refusal_names_the_file_as_it_is_called_in_s3(aws: Aws) -> None:
    good = {**AVRO, "version": "1.0"}
    row: list[object] = ["u1", "i1", "yesterday", "view"]
    done = import_events(aws, "dated", good, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", row)
    assert done["status"] == "CREATE FAILED"
    assert "first in dated.csv line 1802" in done["failureReason"]


def test_strict_refuses_what_would_be_warned_of(s3_endpoint: str, tmp_path: Path) -> None:
    app = PersonalizeServer(
        tmp_path, s3_endpoint=s3_endpoint, latency="instant", slots=1, strict=True
    )
    with hosted(app) as url:
        aws = Aws(url, s3_endpoint)
        aws.s3.create_bucket(Bucket="data")
        with pytest.raises(ClientError, match="Schema key 'version' has value None"):
            aws.personalize.create_schema(name="odd", schema=json.dumps(AVRO))
        good = {**AVRO, "version": "1.0"}
        done = import_events(aws, "plain", good, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE")
    app.close()
    assert done["status"] == "CREATE FAILED"
    assert "columns that are not in the schema:[EVENT_TYPE]" in done["failureReason"]
