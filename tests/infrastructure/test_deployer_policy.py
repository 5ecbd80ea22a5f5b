"""The policy of the deploying person: enough for what CloudFormation and our commands do, no more.

What CloudFormation needs for a resource type stands in the type's own schema, which cfn-lint has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cfnlint

from infrastructure import teardown
from infrastructure.deploy import deploy
from infrastructure.package import PROJECT
from infrastructure.rehearse import package_resources
from infrastructure.stacks import Stack, stack_name
from recdrop.local.aws.identity import REGION
from recdrop.local.stack import Stack as LocalAws
from tests.infrastructure.test_teardown import make_group

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
# Asked for by a type's schema for what this template does not use.
OTHER_SERVICES = {"ec2", "elasticfilesystem", "firehose", "kinesis", "s3files", "s3tables"}
UNUSED = {
    "iam:CreateServiceLinkedRole": "only tables with replicas",
    "iam:DeleteRolePermissionsBoundary": "no role has a boundary",
    "iam:PutRolePermissionsBoundary": "no role has a boundary",
    "kms:CreateGrant": "no table or function has a key of ours",
    "kms:Decrypt": "nothing that is deployed is encrypted with a key of ours",
    "kms:Encrypt": "nothing that is deployed is encrypted with a key of ours",
    "kms:GenerateDataKey": "nothing that is deployed is encrypted with a key of ours",
    "kms:RevokeGrant": "no table or function has a key of ours",
}
# Calls whose action has another name.
ACTIONS = {
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}


def statements() -> list[dict[str, Any]]:
    text = (PROJECT / "infrastructure" / "deployer-policy.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def allowed(action: str) -> bool:
    """Whether a statement allows the action, on whatever resource."""
    return any(
        fnmatchcase(action.lower(), pattern.lower())
        for statement in statements()
        for pattern in listed(statement["Action"])
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def needed(kinds: set[str]) -> Iterator[tuple[str, str]]:
    """Type and action of all that CloudFormation does with a resource of these types."""
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        if schema.get("typeName") in kinds:
            for verb in ("create", "read", "update", "delete"):
                for action in schema.get("handlers", {}).get(verb, {}).get("permissions", ()):
                    yield schema["typeName"], action


def test_all_that_cloudformation_does_with_our_resources_is_allowed(
    package_folder: Path, aws: LocalAws
) -> None:
    kinds = {r["Type"] for r in package_resources(package_folder / "sam.json").values()}
    actions = set(needed(kinds))
    assert {kind for kind, _ in actions} == kinds
    missing = {
        (kind, action)
        for kind, action in actions
        if action.split(":")[0] not in OTHER_SERVICES
        and action not in UNUSED
        and not allowed(action)
    }
    assert missing == set()


def test_all_that_the_commands_call_is_allowed(aws: LocalAws, package_folder: Path) -> None:
    called: set[str] = set()
    prod = Stack(stack_name("prod"), recording(aws.boto_client, called), poll_seconds=0)
    deploy(prod, package_folder / "sam.json", REGION, {})
    deploy(prod, package_folder / "sam.json", REGION, {})
    make_group(aws, prod, "shop")
    called -= {"dynamodb:PutItem"}
    teardown.take_down(teardown.survey(prod), prod, print, lambda _: None)
    actions = {action_of(call) for call in called if not made_by_test(call)}
    assert {"cloudformation:ExecuteChangeSet", "personalize:DeleteDatasetGroup"} <= actions
    assert {action for action in actions if not allowed(action)} == set()


def recording(make: Callable[[str], Any], called: set[str]) -> Callable[[str], Any]:
    """Clients that note what is called."""

    def note(model: Any, **_: Any) -> None:
        called.add(f"{model.service_model.service_name}:{model.name}")

    def client(service: str) -> Any:
        made = make(service)
        made.meta.events.register("before-call.*", note, unique_id="note")
        return made

    return client


def action_of(call: str) -> str:
    return ACTIONS.get(call) or re.sub("^stepfunctions:", "states:", call)


def made_by_test(call: str) -> bool:
    """Whether the test made it, to have something to tear down."""
    return call.startswith("personalize:Create") or call == "dynamodb:PutItem"


def test_only_what_has_no_name_of_ours_is_allowed_on_everything() -> None:
    everything = {s["Sid"] for s in statements() if "*" in listed(s["Resource"])}
    assert everything == {"LookAround", "FunctionTriggers", "TopicKey", "Teardown"}
    for statement in statements():
        if statement["Sid"] in ("FunctionTriggers", "TopicKey", "Roles", "Api"):
            assert "aws:CalledVia" in json.dumps(statement["Condition"])
        for resource in listed(statement["Resource"]):
            assert (
                resource == "*"
                or "recdrop-" in resource
                or statement["Sid"]
                in (
                    "Api",
                    "ReadKeys",
                    "Stacks",
                )
            )


def test_it_is_no_longer_than_a_managed_policy_may_be() -> None:
    text = (PROJECT / "infrastructure" / "deployer-policy.json").read_text()
    assert len(re.sub(r"\s", "", text)) <= 6144
