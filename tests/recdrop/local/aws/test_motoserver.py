"""Which service a request is for, and what is left out of moto."""

from __future__ import annotations

from typing import Any

import pytest

from recdrop.local.aws import slimmoto
from recdrop.local.aws.motoserver import ServerRequest, find_routes, find_service

SIGNED = "AWS4-HMAC-SHA256 Credential=key/20261121/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"
FORM = "application/x-www-form-urlencoded"

slimmoto.install()  # as a stack does, before anything imports a service of moto's


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"headers": {"Authorization": SIGNED.format("states")}}, ("states", "eu-west-1")),
        (
            {"query_string": {"X-Amz-Credential": "key/20261121/us-east-1/s3/aws4_request"}},
            ("s3", "us-east-1"),
        ),
        (
            {"headers": {"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}},
            ("states", "us-east-1"),
        ),
        ({"headers": {"X-Amz-Target": "DynamoDB_20120810.Scan"}}, ("dynamodb", "us-east-1")),
        (
            {
                "data": "Action=GetCallerIdentity&Version=2011-06-15",
                "content_type": FORM,
                "method": "POST",
            },
            ("sts", "us-east-1"),
        ),
        (
            {"data": "Action=X&Version=2010-05-15", "content_type": FORM, "method": "POST"},
            ("cloudformation", "us-east-1"),
        ),
        ({"path": "/bucket/key"}, ("s3", "us-east-1")),
    ],
)
def test_a_request_tells_its_service(given: dict[str, Any], expected: tuple[str, str]) -> None:
    assert find_service(ServerRequest.from_values(**given)) == expected


@pytest.mark.parametrize(
    "service",
    ["s3", "sqs", "states", "dynamodb", "events", "sns", "iam", "sts", "logs", "ssm", "lambda"],
)
def test_the_services_of_the_project_are_served(service: str) -> None:
    assert find_routes(service, "us-east-1")


@pytest.mark.parametrize("service", ["ec2", "rds", "no-such-service"])
def test_others_are_not(service: str) -> None:
    assert find_routes(service, "us-east-1") is None


def test_a_stand_in_can_be_imported_from_subclassed_and_asked_for_members() -> None:
    from moto.ec2.models.core import TaggedEC2Resource

    tagged = type("Tagged", (TaggedEC2Resource,), {})
    assert not isinstance(object(), tagged)
    assert TaggedEC2Resource.ANYTHING.ELSE is not None
    with pytest.raises(AttributeError):
        _ = TaggedEC2Resource.__nothing__


def test_a_module_whose_name_merely_begins_like_an_unserved_one_is_served() -> None:
    assert slimmoto.is_unserved("moto.iot.models")
    assert not slimmoto.is_unserved("moto.iotdata")
