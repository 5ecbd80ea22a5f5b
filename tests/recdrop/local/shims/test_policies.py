"""The gaps of its IAM."""

from __future__ import annotations

import json

import pytest

from recdrop.local.stack import Stack

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "personalize.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
# What AWS's samples attach.
NAMES = (
    "service-role/AmazonPersonalizeFullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
)


def test_a_role_may_have_policies_that_aws_manages(stack: Stack) -> None:
    iam = stack.boto_client("iam")
    iam.create_role(RoleName="samples", AssumeRolePolicyDocument=json.dumps(TRUST))
    arns = {f"arn:aws:iam::aws:policy/{name}" for name in NAMES}
    for arn in arns:
        iam.attach_role_policy(RoleName="samples", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="samples")["AttachedPolicies"]
    assert {row["PolicyArn"] for row in attached} == arns
    for arn in arns:
        iam.detach_role_policy(RoleName="samples", PolicyArn=arn)
    iam.delete_role(RoleName="samples")


def test_the_text_of_an_aws_policy_can_be_read(stack: Stack) -> None:
    iam = stack.boto_client("iam")
    arn = f"arn:aws:iam::aws:policy/{NAMES[0]}"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    assert found["Document"]["Statement"][0]["Action"] == ["personalize:*"]


def test_a_policy_that_nobody_has_is_refused(stack: Stack) -> None:
    iam = stack.boto_client("iam")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")
