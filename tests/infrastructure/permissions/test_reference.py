"""Policies are held against AWS's own list; the project's pass it."""

from __future__ import annotations

import pytest

from infrastructure.permissions import packaged
from infrastructure.permissions.__main__ import reasons
from infrastructure.permissions.reference import as_pattern, check, meet, statement_findings

LOGS = "arn:aws:logs:REGION:ACCOUNT:log-group"


def test_every_policy_of_the_project_is_known_to_aws() -> None:
    wrong, idle = check(packaged.read(), reasons()["reference"])
    assert [str(finding) for finding in wrong] == []
    assert idle == []


@pytest.mark.parametrize(
    ("actions", "resources", "findings"),
    [
        ("s3:GetObject", "arn:aws:s3:::work/*", []),
        ("s3:GetObjekt", "arn:aws:s3:::work/*", ["s3:GetObjekt is no action"]),
        ("s4:GetObject", "*", ["s4:GetObject is no action"]),
        ("S3:getobject", "arn:aws:s3:::work/*", []),
        ("kms:GenerateDataKey*", "arn:aws:kms:REGION:ACCOUNT:key/1", []),
        ("personalize:ListCampaigns", "*", []),
        ("logs:PutLogEvents", f"{LOGS}:/aws/lambda/*", []),
        ("logs:PutLogEvents", f"{LOGS}:/aws/lambda/train:log-stream:*", []),
    ],
)
def test_actions_are_held_against_the_list(
    actions: str, resources: str, findings: list[str]
) -> None:
    statement = {"Action": actions, "Resource": resources}
    assert list(statement_findings(statement, names_resource=True)) == findings


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", "arn:aws:s3:::work/*"),
        ("s3:GetObject", "arn:aws:s3:::work"),
        ("personalize:ListCampaigns", "arn:aws:personalize:REGION:ACCOUNT:campaign/*"),
        ("states:DescribeExecution", "arn:aws:states:REGION:ACCOUNT:stateMachine:pipeline"),
        ("dynamodb:GetItem", "*"),
    ],
)
def test_a_resource_of_another_type_is_found(action: str, resource: str) -> None:
    statement = {"Action": [action], "Resource": [resource]}
    assert list(statement_findings(statement, names_resource=True)) == [
        f"{action} has none of its resources",
        f"{resource} is of no type that these actions have",
    ]


def test_an_unknown_condition_key_is_found() -> None:
    condition = {"StringEquals": {"iam:PassedToService": "a", "iam:PassedTo": "a", "aws:a": "b"}}
    statement = {"Action": "iam:PassRole", "Resource": "arn:aws:iam::ACCOUNT:role/a"}
    found = statement_findings({**statement, "Condition": condition}, names_resource=True)
    assert list(found) == ["iam:PassedTo is no condition key"]


def test_two_patterns_meet_where_some_text_matches_both() -> None:
    bucket = as_pattern("arn:${Partition}:s3:::${BucketName}")
    thing = as_pattern("arn:${Partition}:s3:::${BucketName}/${ObjectName}")
    assert meet("arn:aws:s3:::work", bucket)
    assert not meet("arn:aws:s3:::work/a", bucket)
    assert meet("arn:aws:s3:::*", bucket)
    assert meet("arn:aws:s3:::work/a/b", thing)
    assert not meet("arn:aws:s3:::work", thing)
