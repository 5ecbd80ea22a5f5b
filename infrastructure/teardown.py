"""`make teardown STAGE=prod`: says what it deletes, asks, and deletes a stage with all it has made.

CloudFormation deletes what it made. It keeps both buckets and the table, and knows nothing of what
the runs made in Personalize, which is what costs. The stack goes last, because it is the list of
what there is: a teardown that was interrupted can be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from botocore.exceptions import ClientError

from infrastructure.stacks import APPLICATION, Make, Stack, clients, stack_name
from recdrop.cli.removing import Resource, delete_resources, find_resources

RETAINED_BUCKET, RETAINED_TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"
LOG_GROUP = "AWS::Logs::LogGroup"
Say = Callable[[str], None]


@click.command()
@click.option("--stage", required=True)
@click.option("--region", required=True, envvar=["REGION", "AWS_REGION", "AWS_DEFAULT_REGION"])
@click.option("--yes", is_flag=True, help="Do not ask.")
def main(stage: str, region: str, yes: bool) -> None:
    """Delete a stage: its stack, its data, and what its runs made in Personalize."""
    stack = Stack(stack_name(stage), clients(region))
    found = survey(stack)
    for line in found.lines():
        click.echo(line)
    if not yes:
        click.confirm("Delete all of it?", abort=True)
    take_down(found, stack, click.echo)
    click.echo(f"Stack {stack.name!r} is gone.")


@dataclass(frozen=True)
class Survey:
    """What a stage has made. `shared` are groups that another stage of the region has too."""

    stack: str
    groups: tuple[str, ...]
    shared: tuple[str, ...]
    personalize: tuple[Resource, ...]
    objects: dict[str, int]  # versions and delete markers of each bucket
    tables: tuple[str, ...]
    log_groups: tuple[str, ...]
    machines: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The survey, to be read before the question."""
        yield f"Stack {self.stack!r}, and with it for ever:"
        for bucket, versions in self.objects.items():
            yield f"  bucket {bucket} with {versions:,} versions of objects"
        for table in self.tables:
            yield f"  table {table}"
        yield f"  {len(self.log_groups)} log groups"
        yield f"  {len(self.personalize)} resources of Personalize, of {len(self.groups)} groups"
        for resource in self.personalize:
            yield f"    {resource.kind} {resource.name}"
        for group in self.shared:
            yield f"  kept: group {group!r} in Personalize, which another stage has too"


def survey(stack: Stack) -> Survey:
    """Look at all that belongs to a stage.

    Raises:
        click.ClickException: there is no such stack.
    """
    if stack.describe() is None:
        raise click.ClickException(f"There is no stack {stack.name!r} in this region.")
    tables = stack.resources(RETAINED_TABLE)
    mine = set(groups_of(stack.make, tables.values()))
    shared = mine & set(groups_of_others(stack))
    groups = tuple(sorted(mine - shared))
    buckets = existing_buckets(stack)
    return Survey(
        stack=stack.name,
        groups=groups,
        shared=tuple(sorted(shared)),
        personalize=tuple(find_resources(stack.make("personalize"), groups)),
        objects={b: sum(1 for _ in versions(stack.make("s3"), b)) for b in buckets},
        tables=tuple(name for name in tables.values() if table_exists(stack.make, name)),
        log_groups=tuple(stack.resources(LOG_GROUP).values()),
        machines=tuple(stack.resources("AWS::StepFunctions::StateMachine").values()),
    )


def groups_of(make: Make, tables: Any) -> Iterator[str]:
    """The groups that a ledger knows; none when it is gone already."""
    for table in tables:
        if table_exists(make, table):
            pages = (
                make("dynamodb")
                .get_paginator("query")
                .paginate(
                    TableName=table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": "groups"}},
                )
            )
            for page in pages:
                yield from (item["sk"]["S"] for item in page["Items"])


def groups_of_others(stack: Stack) -> Iterator[str]:
    """The groups of the region's other stages: Personalize knows groups, not stages."""
    pages = stack.cloudformation.get_paginator("describe_stacks").paginate()
    for page in pages:
        for found in page["Stacks"]:
            name = found["StackName"]
            outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", ())}
            if name.startswith(APPLICATION) and name != stack.name and "LedgerTableName" in outputs:
                yield from groups_of(stack.make, [outputs["LedgerTableName"]])


def existing_buckets(stack: Stack) -> list[str]:
    """The stack's buckets that are still there."""
    mine = stack.resources(RETAINED_BUCKET).values()
    there = {bucket["Name"] for bucket in stack.make("s3").list_buckets()["Buckets"]}
    return [bucket for bucket in mine if bucket in there]


def table_exists(make: Make, table: str) -> bool:
    """Whether the table is there."""
    client = make("dynamodb")
    try:
        client.describe_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def versions(s3: Any, bucket: str) -> Iterator[dict[str, str]]:
    """Every version and delete marker of a bucket, as DeleteObjects wants them."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": found["Key"], "VersionId": found["VersionId"]}


def take_down(
    found: Survey, stack: Stack, say: Say, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Delete what the survey found, the stack last.

    Raises:
        click.ClickException: something cannot be deleted; what is gone is gone, and the same
            command goes on from there.
    """
    for machine in found.machines:
        stop_runs(stack.make("stepfunctions"), machine, say)
    delete_resources(stack.make("personalize"), found.personalize, say, sleep)
    for bucket in found.objects:
        delete_bucket(stack.make("s3"), bucket, say)
    for table in found.tables:
        say(f"deleting table {table}")
        stack.make("dynamodb").delete_table(TableName=table)
    say(f"deleting stack {stack.name}")
    stack.delete()


def stop_runs(states: Any, machine: str, say: Say) -> None:
    """Stop what runs, so that nothing is made behind our back."""
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    for arn in [execution["executionArn"] for page in pages for execution in page["executions"]]:
        say(f"stopping run {arn.rsplit(':', 1)[-1]}")
        states.stop_execution(executionArn=arn, error="Teardown", cause="make teardown")


def delete_bucket(s3: Any, bucket: str, say: Say) -> None:
    """Empty a bucket of all versions, and delete it."""
    say(f"deleting bucket {bucket}")
    batch: list[dict[str, str]] = []
    for version in versions(s3, bucket):
        batch.append(version)
        if len(batch) == 1000:  # the most that one request may name
            s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            batch = []
    if batch:
        s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    try:
        s3.delete_bucket(Bucket=bucket)
    except ClientError as error:
        raise click.ClickException(
            f"Bucket {bucket!r} cannot be deleted: {error}. Run the same command again."
        ) from error


if __name__ == "__main__":
    main()
