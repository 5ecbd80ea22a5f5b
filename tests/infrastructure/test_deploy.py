"""`make deploy` on the local CloudFormation: new, again, changed, failed, and two stages at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from infrastructure.deploy import Plan, deploy, plan, read_parameters, what_next
from infrastructure.stacks import Stack, stack_name
from recdrop.local.aws.identity import ACCOUNT, REGION
from recdrop.local.stack import Stack as LocalAws

INLINE_LIMIT = 51_200  # bytes of a template in a request


def stage(aws: LocalAws, name: str) -> Stack:
    return Stack(stack_name(name), aws.boto_client, poll_seconds=0)


def names(aws: LocalAws) -> set[str]:
    """Every name by which two stages could meet."""
    queues = aws.boto_client("sqs").list_queues()["QueueUrls"]
    topics = aws.boto_client("sns").list_topics()["Topics"]
    machines = aws.boto_client("stepfunctions").list_state_machines()["stateMachines"]
    groups = aws.boto_client("logs").describe_log_groups()["logGroups"]
    return {
        *(url.rsplit("/", 1)[-1] for url in queues),
        *(topic["TopicArn"].rsplit(":", 1)[-1] for topic in topics),
        *(machine["name"] for machine in machines),
        *(group["logGroupName"].rsplit("/", 1)[-1] for group in groups),
    }


def test_two_stages_live_in_one_region(aws: LocalAws, package_folder: Path) -> None:
    template = package_folder / "sam.json"
    assert template.stat().st_size > INLINE_LIMIT
    before = names(aws)
    for name in ("prod", "test"):
        assert deploy(stage(aws, name), template, REGION, {})
    made = names(aws) - before
    prod = {name for name in made if name.startswith("recdrop-prod-")}
    test = {name for name in made if name.startswith("recdrop-test-")}
    assert prod | test == made
    assert {name.replace("recdrop-prod", "recdrop-test") for name in prod} == test
    assert {"recdrop-prod-exports", "recdrop-prod-exports-dead", "recdrop-prod-pipeline"} < prod
    assert stage(aws, "prod").outputs().keys() == stage(aws, "test").outputs().keys()


def test_what_has_not_changed_is_not_deployed_again(aws: LocalAws, package_folder: Path) -> None:
    prod, template = stage(aws, "prod"), package_folder / "sam.json"
    assert deploy(prod, template, REGION, {})
    assert not deploy(prod, template, REGION, {})
    bucket = f"recdrop-code-{ACCOUNT}-{REGION}"
    stored = aws.boto_client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert sorted(found["Key"].rsplit("-", 1)[0] for found in stored) == [
        "deployment",
        "duckdb-layer",
        "recdrop-prod",
    ]


def test_a_parameter_is_deployed_and_kept(aws: LocalAws, package_folder: Path) -> None:
    prod, template = stage(aws, "prod"), package_folder / "sam.json"
    deploy(prod, template, REGION, {"LogRetentionDays": "7"})
    assert retention(aws) == {7}
    deploy(prod, template, REGION, {"UserDataDays": "30"})
    assert retention(aws) == {7}
    assert parameters(prod)["UserDataDays"] == "30"
    deploy(prod, template, REGION, {"LogRetentionDays": "14"})
    assert parameters(prod)["LogRetentionDays"] == "14"
    with pytest.raises(click.ClickException, match=r"no parameter 'Email'.*NotificationEmail"):
        deploy(prod, template, REGION, {"Email": "x"})


def retention(aws: LocalAws) -> set[int]:
    found = aws.boto_client("logs").describe_log_groups(
        logGroupNamePrefix="/aws/lambda/recdrop-prod-"
    )["logGroups"]
    return {group["retentionInDays"] for group in found}


def parameters(stack: Stack) -> dict[str, str]:
    described: Any = stack.describe()
    return {p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]}


def test_a_stack_that_was_never_created_is_made_anew(aws: LocalAws, package_folder: Path) -> None:
    from moto.cloudformation.models import cloudformation_backends

    prod = stage(aws, "prod")
    empty = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    prod.cloudformation.create_change_set(
        StackName=prod.name, ChangeSetName="x", ChangeSetType="CREATE", TemplateBody=empty
    )
    stacks = cloudformation_backends[ACCOUNT][REGION].stacks.values()
    (first,) = [stack for stack in stacks if stack.name == prod.name]
    first.status = "ROLLBACK_COMPLETE"
    assert deploy(prod, package_folder / "sam.json", REGION, {})
    described: Any = prod.describe()
    assert described["StackStatus"] == "CREATE_COMPLETE"
    assert described["StackId"] != first.stack_id


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, Plan("CREATE")),
        ("REVIEW_IN_PROGRESS", Plan("CREATE")),
        ("ROLLBACK_COMPLETE", Plan("CREATE", delete_first=True)),
        ("CREATE_FAILED", Plan("CREATE", delete_first=True)),
        ("CREATE_COMPLETE", Plan("UPDATE")),
        ("UPDATE_ROLLBACK_COMPLETE", Plan("UPDATE")),
    ],
)
def test_what_is_done_follows_from_the_status(status: str | None, expected: Plan) -> None:
    assert plan("recdrop-prod", status) == expected


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("UPDATE_IN_PROGRESS", "Somebody else is changing it"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name recdrop-prod"),
    ],
)
def test_a_stack_that_cannot_be_changed_now_is_left_alone(status: str, advice: str) -> None:
    with pytest.raises(click.ClickException, match=advice):
        plan("recdrop-prod", status)


@pytest.mark.parametrize("name", ["", "Prod", "1st", "a_b", "x" * 21])
def test_a_stage_must_fit_into_a_name(name: str) -> None:
    with pytest.raises(click.ClickException, match="Expected 1 to 20 lower-case letters"):
        stack_name(name)


def test_a_parameter_needs_a_value() -> None:
    assert read_parameters(("A=b=c", "D=")) == {"A": "b=c", "D": ""}
    with pytest.raises(click.ClickException, match="Expected NAME=VALUE"):
        read_parameters(("A",))


def test_it_says_where_everything_is() -> None:
    outputs = {
        "EndpointURL": "https://a.execute-api.eu-west-1.amazonaws.com/api/",
        "DropBucketName": "drop",
        "ApiKeyId": "k1",
    }
    text = "\n".join(what_next(outputs, "eu-west-1"))
    assert "https://a.execute-api" in text
    assert "s3://drop/<group>/<dataset>/" in text
    assert "get-api-key --region eu-west-1 --api-key k1 --include-value" in text
    assert "aws s3 cp orders.csv s3://drop/shop/interactions/orders.csv" in text
