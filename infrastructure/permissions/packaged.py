"""The policies as they stand in the project, with their references written as names.

Those of functions lie in .chalice/policies, the others in infrastructure/resources.json. A policy is
called as the local stack calls it: by its function, or by the logical id of its role or its own.
What only a deployment knows is written in capitals (REGION, ACCOUNT, STACK), a resource by its
logical id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recdrop.local.iam.policy import Policy

PROJECT = Path(__file__).resolve().parents[2]
FUNCTIONS = PROJECT / ".chalice" / "policies"
RESOURCES = PROJECT / "infrastructure" / "resources.json"
Json = dict[str, Any]
Kind = Literal["function", "role", "trust", "resource", "key"]
POLICY_TYPES = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "REGION",
    "AWS::AccountId": "ACCOUNT",
    "AWS::StackName": "STACK",
}
TAILS = {
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SQS::Queue": "sqs:REGION:ACCOUNT:{}",
    "AWS::SNS::Topic": "sns:REGION:ACCOUNT:{}",
    "AWS::IAM::Role": "iam::ACCOUNT:role/{}",
    "AWS::KMS::Key": "kms:REGION:ACCOUNT:key/{}",
    "AWS::Events::Rule": "events:REGION:ACCOUNT:rule/{}",
    "AWS::DynamoDB::Table": "dynamodb:REGION:ACCOUNT:table/{}",
    "AWS::Logs::LogGroup": "logs:REGION:ACCOUNT:log-group:{}:*",
    "AWS::CloudWatch::Alarm": "cloudwatch:REGION:ACCOUNT:alarm:{}",
    "AWS::Serverless::StateMachine": "states:REGION:ACCOUNT:stateMachine:{}",
}
# What the template does not spell out is Chalice's: a function.
FUNCTION = "lambda:REGION:ACCOUNT:function:{}"
ARN_BY_REF = ("AWS::SNS::Topic", "AWS::Serverless::StateMachine")


@dataclass(frozen=True)
class Owned:
    """A policy and what kind of thing it belongs to."""

    kind: Kind
    policy: Policy

    @property
    def statements(self) -> list[Json]:
        """The statements as they are written, resolved."""
        found: list[Json] = self.policy.document["Statement"]
        return found


def read(functions: Path = FUNCTIONS, resources: Path = RESOURCES) -> list[Owned]:
    """Every policy of the project: functions' first, then roles', then resources'."""
    template: Json = json.loads(resources.read_text())["Resources"]
    names = Names(template)
    found = [
        Owned("function", Policy(path.stem, names.settle(json.loads(path.read_text()))))
        for path in sorted(functions.glob("*.json"))
    ]
    return [*found, *read_template(template, names)]


def read_template(template: Json, names: Names) -> Iterator[Owned]:
    """The policies of roles, buckets, queues, topics and keys of the template."""
    for logical, resource in template.items():
        properties = resource.get("Properties", {})
        kind = resource.get("Type")
        if kind == "AWS::IAM::Role":
            for inline in properties.get("Policies", ()):
                yield Owned("role", Policy(logical, names.settle(inline["PolicyDocument"])))
            trust = names.settle(properties["AssumeRolePolicyDocument"])
            yield Owned("trust", Policy(f"{logical}.trust", trust))
        elif kind in POLICY_TYPES:
            yield Owned("resource", Policy(logical, names.settle(properties["PolicyDocument"])))
        elif kind == "AWS::KMS::Key":
            yield Owned("key", Policy(logical, names.settle(properties["KeyPolicy"])))


class Names:
    """Gives intrinsic functions a readable value."""

    def __init__(self, template: Json) -> None:
        self._types = {logical: resource.get("Type", "") for logical, resource in template.items()}

    def settle(self, value: Any) -> Any:
        """A value with its references resolved. Of two that a condition chooses between, the first."""
        match value:
            case {"Ref": str(name)}:
                return self.ref(name)
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self.arn(name)
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                return f"{name}.{attribute}"
            case {"Fn::Sub": [str(text), Mapping() as given]}:
                return self.substitute(text, {key: self.settle(one) for key, one in given.items()})
            case {"Fn::Sub": str(text)}:
                return self.substitute(text, {})
            case {"Fn::Join": [str(separator), list(parts)]}:
                return separator.join(str(self.settle(part)) for part in parts)
            case {"Fn::If": [_, then, _]}:
                return self.settle(then)
            case Mapping():
                return {key: self.settle(one) for key, one in value.items()}
            case list():
                return [self.settle(one) for one in value]
            case _:
                return value

    def ref(self, name: str) -> str:
        """What `Ref` stands for: an ARN for a few types, else the name."""
        if self._types.get(name) in ARN_BY_REF:
            return self.arn(name)
        return PSEUDO.get(name, name)

    def arn(self, name: str) -> str:
        """The ARN of a resource."""
        return "arn:aws:" + TAILS.get(self._types.get(name, ""), FUNCTION).format(name)

    def substitute(self, text: str, given: Mapping[str, str]) -> str:
        """A text of `Fn::Sub`; `${!x}` stays for IAM as `${x}`."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in given:
                return given[name]
            owner, _, attribute = name.partition(".")
            return self.arn(owner) if attribute == "Arn" else self.ref(name)

        return re.sub(r"\$\{([^}]+)\}", value, text)


def as_list(value: Any) -> list[str]:
    """One text or several, as a list."""
    return [value] if isinstance(value, str) else list(value)
