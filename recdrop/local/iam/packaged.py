"""The policies of a stack, read from the template that deploys, with its references resolved.

A policy is called by what it belongs to: a function's by the function (`train`), that of another
role, or of a resource, by its logical id (`PersonalizeRole`, `WorkBucketPolicy`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recdrop.local.iam.operations import Place
from recdrop.local.iam.policy import Policy
from recdrop.local.iam.principals import Role
from recdrop.local.iam.recording import PolicySet

Json = Mapping[str, Any]
Resolve = Callable[[Any], Any]
# The key that AWS manages for a service: for the account's own principals, by way of SNS. Nobody can
# let another service use it.
MANAGED_KEY = Policy(
    "alias/aws/sns",
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringLike": {"kms:ViaService": "sns.*", "kms:CallerAccount": "*"}},
            }
        ],
    },
)
WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Policies:
    """All roles of a stack, and the policies of its resources by ARN.

    `keys` are the ARNs of the keys that topics are encrypted with, by the topic's.
    """

    roles: tuple[Role, ...]
    of_resources: Mapping[str, Policy]
    keys: Mapping[str, str] = field(default_factory=dict)

    def as_set(self) -> PolicySet:
        """All of them as one set, to judge recorded requests by."""
        return PolicySet(
            identity={role.arn: role.policies for role in self.roles},
            trust={role.arn: role.trust for role in self.roles},
            resources=self.of_resources,
        )


def read_policies(
    resources: Json, resolve: Resolve, arns: Mapping[str, str], place: Place
) -> Policies:
    """The policies of the template's `resources`.

    resolve   gives an intrinsic function its value
    arns      the ARNs of the roles by logical id
    """
    owners = function_roles(resources)
    attached = list(attached_policies(resources, resolve))
    roles = tuple(
        read_role(arn, logical, resources[logical]["Properties"], owners, attached, resolve)
        for logical, arn in arns.items()
    )
    named = [
        (arn, policy)
        for logical, resource in resources.items()
        for arn, policy in resource_policies(logical, resource, resolve, place)
    ]
    keys = dict(encrypted_topics(resources, resolve, place))
    named += [(key, MANAGED_KEY) for key in keys.values() if ":alias/aws/" in key]
    return Policies(roles, {arn: joined(arn, named) for arn, _ in named}, keys)


def encrypted_topics(resources: Json, resolve: Resolve, place: Place) -> Iterator[tuple[str, str]]:
    """The topics that have a key, and its ARN."""
    for logical, resource in resources.items():
        key = resource.get("Properties", {}).get("KmsMasterKeyId")
        if resource["Type"] == "AWS::SNS::Topic" and key and (resolved := resolve(key)):
            found = str(resolved)
            tail = found if found.startswith("alias/") else f"key/{found}"
            arn = found if found.startswith("arn:") else place.arn("kms", tail)
            yield str(resolve({"Ref": logical})), arn


def function_roles(resources: Json) -> dict[str, list[str]]:
    """The functions of each role, by its logical id."""
    found: dict[str, list[str]] = {}
    for logical, resource in resources.items():
        if resource["Type"] == "AWS::Lambda::Function":
            match resource["Properties"].get("Role"):
                case {"Fn::GetAtt": [str(role), "Arn"]}:
                    found.setdefault(role, []).append(logical)
    return found


def read_role(
    arn: str,
    logical: str,
    properties: Json,
    owners: Mapping[str, list[str]],
    attached: list[tuple[list[str], Policy]],
    resolve: Resolve,
) -> Role:
    """One role with what is inline, and what is attached to it."""
    functions = owners.get(logical, [])
    name = python_name(functions[0]) if len(functions) == 1 else logical
    inline = tuple(
        Policy(name, document(part["PolicyDocument"], resolve))
        for part in properties.get("Policies", ())
    )
    role_name = arn.rpartition("/")[2]
    others = tuple(policy for names, policy in attached if role_name in names)
    trust = document(properties["AssumeRolePolicyDocument"], resolve)
    return Role(arn, (*inline, *others), Policy(f"{logical}.trust", trust))


def attached_policies(resources: Json, resolve: Resolve) -> Iterator[tuple[list[str], Policy]]:
    """Policies that name their roles themselves: the names, and the policy."""
    for logical, resource in resources.items():
        if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            properties = resource["Properties"]
            roles = [str(name) for name in resolve(properties.get("Roles", []))]
            yield roles, Policy(logical, document(properties["PolicyDocument"], resolve))


def resource_policies(
    logical: str, resource: Json, resolve: Resolve, place: Place
) -> Iterator[tuple[str, Policy]]:
    """The policy of a bucket, of queues, of topics or of a function, with whose it is."""
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::S3::BucketPolicy":
            arns = [f"arn:aws:s3:::{resolve(properties['Bucket'])}"]
        case "AWS::SQS::QueuePolicy":
            queues = [str(url).rpartition("/")[2] for url in resolve(properties["Queues"])]
            arns = [place.arn("sqs", name) for name in queues]
        case "AWS::SNS::TopicPolicy":
            arns = [str(arn) for arn in resolve(properties["Topics"])]
        case "AWS::KMS::Key":
            arn = str(resolve({"Fn::GetAtt": [logical, "Arn"]}))
            yield arn, Policy(logical, document(properties["KeyPolicy"], resolve))
            return
        case "AWS::Lambda::Permission":
            name = str(resolve(properties["FunctionName"])).split(":function:")[-1]
            arn = place.arn("lambda", f"function:{name}")
            yield arn, Policy(logical, permission(arn, resolve(properties)))
            return
        case _:
            return
    policy = Policy(logical, document(properties["PolicyDocument"], resolve))
    yield from ((arn, policy) for arn in arns)


def permission(function: str, properties: Json) -> Json:
    """A Lambda permission as the statement that the service makes of it."""
    condition: dict[str, Any] = {}
    if "SourceArn" in properties:
        condition["ArnLike"] = {"aws:SourceArn": properties["SourceArn"]}
    if "SourceAccount" in properties:
        condition["StringEquals"] = {"aws:SourceAccount": properties["SourceAccount"]}
    principal = str(properties["Principal"])
    kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
    statement = {
        "Effect": "Allow",
        "Principal": {kind: principal},
        "Action": properties["Action"],
        "Resource": function,
        "Condition": condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def joined(arn: str, named: list[tuple[str, Policy]]) -> Policy:
    """All policies of one resource as one: a function has a permission for each who may call it."""
    found = [policy for other, policy in named if other == arn]
    if len(found) == 1:
        return found[0]
    statements = [
        {"Sid": f"{policy.name}{place}", **statement}
        for policy in found
        for place, statement in enumerate(policy.document["Statement"])
    ]
    return Policy(found[0].name, {"Version": "2012-10-17", "Statement": statements})


def document(value: Any, resolve: Resolve) -> Json:
    """A policy document, resolved."""
    resolved: Json = resolve(json.loads(value) if isinstance(value, str) else value)
    return resolved


def python_name(logical: str) -> str:
    """The Python name of a function: Chalice makes `NormaliseFiles` of `normalise_files`."""
    return WORD.sub("_", logical).lower()
