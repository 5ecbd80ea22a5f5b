"""Policies as they stand in a template."""

from __future__ import annotations

from typing import Any

import pytest

from recdrop.local.iam.operations import Place
from recdrop.local.iam.packaged import Policies, python_name, read_policies

PLACE = Place("us-east-1", "123456789012")
STATEMENTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": {"Ref": "X"}}]}
RESOLVED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "made-X"}]}


def resolve(value: Any) -> Any:
    """`Ref` as a name of what was made."""
    match value:
        case {"Ref": str(name)}:
            return f"made-{name}"
        case dict():
            return {key: resolve(inner) for key, inner in value.items()}
        case list():
            return [resolve(inner) for inner in value]
    return value


def role(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": STATEMENTS, **properties},
    }


def function(of: str) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": [of, "Arn"]}}}


def read(resources: dict[str, Any]) -> Policies:
    arns = {
        name: f"arn:aws:iam::123456789012:role/{name}"
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    return read_policies(resources, resolve, arns, PLACE)


def test_a_functions_policy_is_called_by_the_function_and_resolved() -> None:
    inline = [{"PolicyName": "p", "PolicyDocument": STATEMENTS}]
    [made] = read({"TrainRole": role(Policies=inline), "Train": function("TrainRole")}).roles
    [policy] = made.policies
    assert (policy.name, policy.document) == ("train", RESOLVED)
    assert (made.trust.name, made.trust.document) == ("TrainRole.trust", RESOLVED)


def test_a_role_of_several_functions_or_of_none_is_called_by_its_own_name() -> None:
    inline = [{"PolicyName": "p", "PolicyDocument": STATEMENTS}]
    shared = {"DefaultRole": role(Policies=inline), "One": function("DefaultRole")}
    found = read({**shared, "Other": function("DefaultRole"), "Job": role(Policies=inline)}).roles
    assert [one.policies[0].name for one in found] == ["DefaultRole", "Job"]


def test_a_policy_that_names_its_roles_is_theirs() -> None:
    attached = {"Roles": ["Job"], "PolicyDocument": STATEMENTS}
    more = {"Type": "AWS::IAM::Policy", "Properties": attached}
    [made] = read({"Job": role(), "More": more}).roles
    assert [policy.name for policy in made.policies] == ["More"]


@pytest.mark.parametrize(
    ("kind", "named", "arn"),
    [
        ("AWS::S3::BucketPolicy", {"Bucket": {"Ref": "B"}}, "arn:aws:s3:::made-B"),
        (
            "AWS::SQS::QueuePolicy",
            {"Queues": ["http://127.0.0.1/1/q"]},
            "arn:aws:sqs:us-east-1:123456789012:q",
        ),
        ("AWS::SNS::TopicPolicy", {"Topics": [{"Ref": "T"}]}, "made-T"),
    ],
)
def test_policies_of_resources_are_found_by_the_arn_of_the_resource(
    kind: str, named: dict[str, Any], arn: str
) -> None:
    properties = {"PolicyDocument": STATEMENTS, **named}
    found = read({"ItsPolicy": {"Type": kind, "Properties": properties}}).of_resources
    assert found[arn].document == RESOLVED


def test_a_topic_has_its_key_and_the_key_its_policy() -> None:
    def resolving(value: Any) -> Any:
        return "made-arn" if value == {"Fn::GetAtt": ["Key", "Arn"]} else resolve(value)

    key = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": STATEMENTS}}
    topics = {
        name: {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": given}}
        for name, given in (("T", {"Ref": "Key"}), ("U", "alias/aws/sns"))
    }
    plain = {"V": {"Type": "AWS::SNS::Topic", "Properties": {}}}
    found = read_policies({"Key": key, **topics, **plain}, resolving, {}, PLACE)
    managed = "arn:aws:kms:us-east-1:123456789012:alias/aws/sns"
    made = "arn:aws:kms:us-east-1:123456789012:key/made-Key"
    assert found.keys == {"made-T": made, "made-U": managed}
    assert found.of_resources["made-arn"].document == RESOLVED
    assert found.of_resources[managed].name == "alias/aws/sns"


def test_the_permissions_of_a_function_are_its_policy() -> None:
    def permission(principal: str, **more: Any) -> dict[str, Any]:
        given = {"FunctionName": {"Ref": "F"}, "Action": "lambda:InvokeFunction", **more}
        return {
            "Type": "AWS::Lambda::Permission",
            "Properties": {"Principal": principal, **given},
        }

    resources = {
        "Rule": permission("events.amazonaws.com", SourceArn={"Ref": "R"}),
        "Api": permission("apigateway.amazonaws.com", SourceAccount="1"),
    }
    arn = "arn:aws:lambda:us-east-1:123456789012:function:made-F"
    one, other = read(resources).of_resources[arn].document["Statement"]
    assert one["Principal"] == {"Service": "events.amazonaws.com"}
    assert one["Condition"] == {"ArnLike": {"aws:SourceArn": "made-R"}}
    assert other["Condition"] == {"StringEquals": {"aws:SourceAccount": "1"}}


@pytest.mark.parametrize(
    ("logical", "python"), [("NormaliseFiles", "normalise_files"), ("APIHandler", "api_handler")]
)
def test_chalices_names_lead_back_to_pythons(logical: str, python: str) -> None:
    assert python_name(logical) == python
