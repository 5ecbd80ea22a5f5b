"""The policies of the project are read with names in place of references."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.permissions.packaged import Names, read

NAMES = Names(
    {
        "Work": {"Type": "AWS::S3::Bucket"},
        "Runs": {"Type": "AWS::SNS::Topic"},
        "Ledger": {"Type": "AWS::DynamoDB::Table"},
    }
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Ref": "Work"}, "Work"),
        ({"Ref": "Runs"}, "arn:aws:sns:REGION:ACCOUNT:Runs"),
        ({"Ref": "AWS::AccountId"}, "ACCOUNT"),
        ({"Fn::GetAtt": ["Work", "Arn"]}, "arn:aws:s3:::Work"),
        ({"Fn::GetAtt": ["Work", "DomainName"]}, "Work.DomainName"),
        ({"Fn::GetAtt": ["Train", "Arn"]}, "arn:aws:lambda:REGION:ACCOUNT:function:Train"),
        ({"Fn::Sub": "${Work.Arn}/*"}, "arn:aws:s3:::Work/*"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::${Work}/${!aws:username}"},
         "arn:aws:s3:::Work/${aws:username}"),
        ({"Fn::Sub": ["${Table}/index", {"Table": {"Fn::GetAtt": ["Ledger", "Arn"]}}]},
         "arn:aws:dynamodb:REGION:ACCOUNT:table/Ledger/index"),
        ({"Fn::Join": [":", ["a", {"Ref": "Work"}]]}, "a:Work"),
        ({"Fn::If": ["HasKey", {"Ref": "Work"}, "other"]}, "Work"),
    ],
)  # fmt: skip
def test_a_reference_becomes_a_name(value: Any, text: str) -> None:
    assert NAMES.settle(value) == text
    assert NAMES.settle({"Resource": [value]}) == {"Resource": [text]}


def test_all_kinds_of_policies_are_read() -> None:
    found = {(one.kind, one.policy.name) for one in read()}
    assert {
        ("function", "train"),
        ("role", "PersonalizeRole"),
        ("trust", "PersonalizeRole.trust"),
        ("resource", "WorkBucketPolicy"),
    } <= found
    for owned in read():
        assert owned.policy.statements
