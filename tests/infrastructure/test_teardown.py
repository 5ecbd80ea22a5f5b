"""`make teardown`: says what there is, deletes all of it, and leaves another stage's alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import pytest

from infrastructure import teardown
from infrastructure.deploy import deploy
from infrastructure.stacks import Stack
from recdrop.local.aws.identity import REGION
from recdrop.local.stack import Stack as LocalAws
from tests.infrastructure.test_deploy import stage

FIELDS = (("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long"))
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "fields": [{"name": name, "type": kind} for name, kind in FIELDS],
        "version": "1.0",
    }
)


def make_group(aws: LocalAws, stack: Stack, group: str) -> None:
    """A group as a run leaves it: in the ledger, and in Personalize."""
    aws.boto_client("dynamodb").put_item(
        TableName=stack.outputs()["LedgerTableName"],
        Item={"pk": {"S": "groups"}, "sk": {"S": group}},
    )
    personalize = aws.boto_client("personalize")
    known = personalize.list_dataset_groups()["datasetGroups"]
    if group in {found["name"] for found in known}:
        return
    arn = personalize.create_dataset_group(name=group)["datasetGroupArn"]
    schema = personalize.create_schema(name=f"{group}-interactions-0a1b2c3d", schema=SCHEMA)
    waiting: Any = lambda: personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]  # noqa: E731
    while waiting()["status"] != "ACTIVE":
        time.sleep(0.05)
    personalize.create_dataset(
        name=f"{group}-interactions",
        schemaArn=schema["schemaArn"],
        datasetGroupArn=arn,
        datasetType="Interactions",
    )
    personalize.create_event_tracker(name=f"{group}-events", datasetGroupArn=arn)


def test_all_that_a_stage_made_is_gone_and_the_other_stage_stays(
    aws: LocalAws, package_folder: Path
) -> None:
    prod, test = stage(aws, "prod"), stage(aws, "test")
    for stack in (prod, test):
        deploy(stack, package_folder / "sam.json", REGION, {})
    make_group(aws, prod, "shop")
    make_group(aws, prod, "both")
    make_group(aws, test, "both")
    s3, drop = aws.boto_client("s3"), prod.outputs()["DropBucketName"]
    # moto's CloudFormation does not read a bucket's versioning.
    s3.put_bucket_versioning(Bucket=drop, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=drop, Key="shop/interactions/a.csv", Body=body)
    s3.delete_object(Bucket=drop, Key="shop/interactions/a.csv")

    found = teardown.survey(prod)
    assert found.objects[drop] == 3
    assert (found.groups, found.shared) == (("shop",), ("both",))
    assert [resource.kind for resource in found.personalize] == [
        "event tracker",
        "dataset",
        "schema",
        "dataset group",
    ]
    text = "\n".join(found.lines())
    assert f"bucket {drop} with 3 versions" in text
    assert "dataset group shop" in text
    assert "kept: group 'both'" in text

    said: list[str] = []
    teardown.take_down(found, prod, said.append, lambda _: time.sleep(0.05))
    assert prod.describe() is None
    assert test.status() == "CREATE_COMPLETE"
    left = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert left.isdisjoint(found.objects)
    assert test.outputs()["DropBucketName"] in left
    tables = aws.boto_client("dynamodb").list_tables()["TableNames"]
    assert test.outputs()["LedgerTableName"] in tables
    assert set(found.tables).isdisjoint(tables)
    groups = aws.boto_client("personalize").list_dataset_groups()["datasetGroups"]
    assert [group["name"] for group in groups] == ["both"]
    logs = aws.boto_client("logs").describe_log_groups(
        logGroupNamePrefix="/aws/lambda/recdrop-prod-"
    )
    assert logs["logGroups"] == []
    assert said[-1] == "deleting stack recdrop-prod"


def test_an_interrupted_teardown_goes_on(aws: LocalAws, package_folder: Path) -> None:
    prod = stage(aws, "prod")
    deploy(prod, package_folder / "sam.json", REGION, {})
    found = teardown.survey(prod)
    teardown.delete_bucket(aws.boto_client("s3"), next(iter(found.objects)), print)
    aws.boto_client("dynamodb").delete_table(TableName=found.tables[0])
    again = teardown.survey(prod)
    assert len(again.objects) == len(found.objects) - 1
    assert again.tables == ()
    teardown.take_down(again, prod, print)
    assert prod.describe() is None
    with pytest.raises(click.ClickException, match="no stack 'recdrop-prod'"):
        teardown.survey(prod)
