"""`make deploy STAGE=prod REGION=eu-west-1`: build, upload, deploy, wait, say what to do next.

The template is over the 51,200 bytes that a request may hold, so it goes through a bucket as the
code does. The bucket is one for an account and region, made when needed. What is uploaded is named
by its content: what has not changed is not uploaded again, and does not change a function.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError, WaiterError

from infrastructure import package
from infrastructure.stacks import APPLICATION, Make, Stack, clients, stack_name

CHANGE_SET = "deploy"
CAPABILITIES = ["CAPABILITY_IAM"]
# A stack that was never created can only be deleted; see `plan`.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")


@click.command()
@click.option("--stage", required=True, help="Part of every name, e.g. prod.")
@click.option("--region", required=True, envvar=["REGION", "AWS_REGION", "AWS_DEFAULT_REGION"])
@click.option("--email", default="", help="Is mailed the end of every run and every alarm.")
@click.option(
    "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="See docs/deploy.md."
)
@click.option(
    "--built", type=click.Path(path_type=Path), help="A package that `make package` made."
)
def main(stage: str, region: str, email: str, given: tuple[str, ...], built: Path | None) -> None:
    """Deploy a stage, or bring it up to date."""
    stack = Stack(stack_name(stage), clients(region))
    parameters = read_parameters(given) | ({"NotificationEmail": email} if email else {})
    template = built / "sam.json" if built else package.build()
    changed = deploy(stack, template, region, parameters)
    click.echo(f"Stack {stack.name!r} is {'deployed' if changed else 'up to date'}.")
    for line in what_next(stack.outputs(), region):
        click.echo(line)


def read_parameters(given: tuple[str, ...]) -> dict[str, str]:
    """The parameters of the command line.

    Raises:
        click.ClickException: one has no value.
    """
    for text in given:
        if "=" not in text:
            raise click.ClickException(f"Parameter {text!r} has no value. Expected NAME=VALUE.")
    return dict(text.split("=", 1) for text in given)


@dataclass(frozen=True)
class Plan:
    """What is to be done with a stack in a status."""

    change_set: str  # CREATE or UPDATE
    delete_first: bool = False


def plan(name: str, status: str | None) -> Plan:
    """What a deployment of the stack has to do.

    Raises:
        click.ClickException: nothing can be done until somebody has done something.
    """
    if status is None or status == "REVIEW_IN_PROGRESS":  # a change set that was never executed
        return Plan("CREATE")
    if status in NEVER_CREATED:
        return Plan("CREATE", delete_first=True)
    if status == "UPDATE_ROLLBACK_FAILED":
        raise click.ClickException(
            f"Stack {name!r} is {status}. Run `aws cloudformation continue-update-rollback "
            f"--stack-name {name}`, then deploy again."
        )
    if status.endswith("_IN_PROGRESS"):
        raise click.ClickException(
            f"Stack {name!r} is {status}. Somebody else is changing it; deploy when it has ended."
        )
    return Plan("UPDATE")


def deploy(stack: Stack, template: Path, region: str, parameters: Mapping[str, str]) -> bool:
    """Upload and deploy a template with its code; whether anything changed.

    Raises:
        click.ClickException: the stack cannot be changed now, or a resource failed.
    """
    body: dict[str, Any] = json.loads(template.read_text())
    check_parameters(body, parameters)
    what = plan(stack.name, stack.status())
    if what.delete_first:
        stack.delete()
    bucket = ensure_bucket(stack.make, region)
    upload_code(stack.make("s3"), bucket, template.parent, body)
    key = upload(stack.make("s3"), bucket, json.dumps(body).encode(), f"{stack.name}.json")
    # S3's own address: CloudFormation fetches it, not this machine.
    url = f"https://{bucket}.s3.{region}.amazonaws.com/{key}"
    if not make_change_set(stack, what.change_set, url, change_parameters(stack, body, parameters)):
        return False
    stack.cloudformation.execute_change_set(StackName=stack.name, ChangeSetName=CHANGE_SET)
    waiter = f"stack_{what.change_set.lower()}_complete"
    stack.wait_for_end(waiter, "Deploying")
    return True


def check_parameters(body: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """Refuse a parameter that the template does not have.

    Raises:
        click.ClickException: there is one.
    """
    known = body.get("Parameters", {})
    for name in parameters:
        if name not in known:
            raise click.ClickException(
                f"There is no parameter {name!r}. Expected one of: {', '.join(sorted(known))}."
            )


def change_parameters(
    stack: Stack, body: Mapping[str, Any], parameters: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The parameters of a change set: what is not given stays as it is deployed."""
    described = stack.describe() or {}
    deployed = {parameter["ParameterKey"] for parameter in described.get("Parameters", ())}
    kept = (deployed & body.get("Parameters", {}).keys()) - parameters.keys()
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)),
    ]


def ensure_bucket(make: Make, region: str) -> str:
    """The bucket of templates and code, private and encrypted; made when there is none."""
    account = make("sts").get_caller_identity()["Account"]
    bucket, s3 = f"{APPLICATION}-code-{account}-{region}", make("s3")
    try:
        # Whoever guesses the name could own it: the account is checked.
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else where))
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
    return bucket


def upload_code(s3: Any, bucket: str, folder: Path, body: dict[str, Any]) -> None:
    """Upload the zips that the template names, and name them where they are now."""
    keys: dict[str, str] = {}
    for resource in body["Resources"].values():
        for field in ("CodeUri", "ContentUri"):
            name = resource.get("Properties", {}).get(field)
            if isinstance(name, str) and not name.startswith("s3://"):
                if name not in keys:
                    content = (folder / name).read_bytes()
                    keys[name] = upload(s3, bucket, content, Path(name).name)
                resource["Properties"][field] = f"s3://{bucket}/{keys[name]}"


def upload(s3: Any, bucket: str, content: bytes, name: str) -> str:
    """Put a file into the bucket, unless it is there; its key, which names its content."""
    stem, _, suffix = name.rpartition(".")
    key = f"{stem}-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    if s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0:
        s3.put_object(Bucket=bucket, Key=key, Body=content)
    return key


def make_change_set(stack: Stack, kind: str, url: str, parameters: list[dict[str, Any]]) -> bool:
    """Make the change set; False when there is nothing to change.

    Raises:
        click.ClickException: CloudFormation refuses the template.
    """
    stack.cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=CHANGE_SET,
        ChangeSetType=kind,
        TemplateURL=url,
        Parameters=parameters,
        Capabilities=CAPABILITIES,
    )
    try:
        stack.wait("change_set_create_complete", ChangeSetName=CHANGE_SET)
    except WaiterError as error:
        reason = str(error.last_response.get("StatusReason", error))
        stack.cloudformation.delete_change_set(StackName=stack.name, ChangeSetName=CHANGE_SET)
        if any(text in reason for text in NO_CHANGE):
            return False
        raise click.ClickException(f"The template is refused: {reason}") from error
    return True


def what_next(outputs: Mapping[str, str], region: str) -> list[str]:
    """Where everything is, and the first thing to do."""
    bucket = outputs["DropBucketName"]
    keys = [(name, value) for name, value in sorted(outputs.items()) if name.endswith("KeyId")]
    return [
        f"  API        {outputs.get('EndpointURL', 'none: the local CloudFormation makes no API')}",
        f"  drop path  s3://{bucket}/<group>/<dataset>/",
        *(
            f"  {name:<10} aws apigateway get-api-key --region {region} --api-key {value} "
            "--include-value --query value --output text"
            for name, value in keys
        ),
        "The first export:",
        f"  aws s3 cp orders.csv s3://{bucket}/shop/interactions/orders.csv",
    ]


if __name__ == "__main__":
    main()
