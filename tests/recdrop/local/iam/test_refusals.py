"""Refusals as each service words them, read back with botocore's own parsers."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser

from recdrop.local.aws.refusals import FORM as QUERY
from recdrop.local.iam.judge import IDENTITY_DENIES, NO_IDENTITY_ALLOWS, RESOURCE_DENIES
from recdrop.local.iam.policy import Decision, Principal, Request
from recdrop.local.iam.refusals import DENIED_EXCEPTION as DENIED
from recdrop.local.iam.refusals import FORMS, message, refuse

ROLE = Principal("arn:aws:iam::123456789012:role/stack/train-role", "123456789012", "train")
USER = "arn:aws:sts::123456789012:assumed-role/train-role/train"
NOTHING = Decision(allowed=False, reason=NO_IDENTITY_ALLOWS, by=None)

# Service, operation, action, HTTP status, code as botocore reads it, action as printed.
CASES = [
    ("stepfunctions", "StartExecution", "states:StartExecution", 400, DENIED, ""),
    ("dynamodb", "GetItem", "dynamodb:GetItem", 400, DENIED, ""),
    ("events", "PutEvents", "events:PutEvents", 400, DENIED, ""),
    ("logs", "PutLogEvents", "logs:PutLogEvents", 400, DENIED, ""),
    ("kms", "Decrypt", "kms:Decrypt", 400, DENIED, ""),
    ("personalize", "CreateSolution", "personalize:CreateSolution", 400, DENIED, ""),
    ("personalize-runtime", "GetRecommendations", "personalize:GetRecommendations", 403, DENIED, ""),
    ("personalize-events", "PutEvents", "personalize:PutEvents", 403, DENIED, ""),
    ("sqs", "SendMessage", "sqs:SendMessage", 403, "AccessDenied", "sqs:sendmessage"),
    ("sns", "Publish", "sns:Publish", 403, "AuthorizationError", "SNS:Publish"),
    ("iam", "GetRole", "iam:GetRole", 403, "AccessDenied", ""),
    ("sts", "AssumeRole", "sts:AssumeRole", 403, "AccessDenied", ""),
    ("cloudformation", "DescribeStacks", "cloudformation:DescribeStacks", 403, "AccessDenied", ""),
    ("lambda", "Invoke", "lambda:InvokeFunction", 403, DENIED, ""),
    ("s3", "GetObject", "s3:GetObject", 403, "AccessDenied", ""),
]  # fmt: skip
CONTENT_TYPES = {"json": "application/x-amz-json-1.0", "query": QUERY}


@pytest.mark.parametrize(("service", "operation", "action", "status", "code", "printed"), CASES)
def test_a_client_reads_the_code_and_the_words(
    service: str, operation: str, action: str, status: int, code: str, printed: str
) -> None:
    model = botocore.session.get_session().get_service_model(service)
    environ: Any = {"REQUEST_METHOD": "POST"}
    if content_type := CONTENT_TYPES.get(model.protocol):
        environ["CONTENT_TYPE"] = content_type
    resource = "arn:aws:any:us-east-1:123456789012:thing/one"
    answer = refuse(service, Request(ROLE, action, resource, {}), NOTHING, environ)
    shape: Any = model.operation_model(operation).output_shape
    raw = {
        "status_code": int(answer.status),
        "headers": {key.lower(): value for key, value in answer.headers.items()},
        "body": answer.body.encode(),
    }
    parsed = create_parser(model.protocol).parse(raw, shape)
    shown = f'"{resource}"' if service == "s3" else resource
    printed = printed or action
    assert answer.status == status
    assert parsed["Error"]["Code"] == code
    assert parsed["Error"]["Message"] == (
        f"User: {USER} is not authorized to perform: {printed} on resource: {shown}"
        f" because no identity-based policy allows the {printed} action"
    )


def test_every_service_with_a_form_is_read_back() -> None:
    assert FORMS.keys() - {service for service, *_ in CASES} == {"ssm", "cloudwatch"}


def test_head_has_no_body() -> None:
    request = Request(ROLE, "s3:GetObject", "arn:aws:s3:::work/key", {})
    answer = refuse("s3", request, NOTHING, {"REQUEST_METHOD": "HEAD"})
    assert (answer.status, answer.body) == (403, "")


@pytest.mark.parametrize("reason", [IDENTITY_DENIES, RESOURCE_DENIES])
def test_an_explicit_deny_says_in_which_kind_of_policy(reason: str) -> None:
    request = Request(ROLE, "s3:GetObject", "arn:aws:s3:::work/key", {})
    assert message(request, Decision(allowed=False, reason=reason, by=("a", "b"))) == (
        f"User: {USER} is not authorized to perform: s3:GetObject on resource:"
        f" arn:aws:s3:::work/key with an {reason}"
    )


def test_a_call_on_everything_names_no_resource() -> None:
    request = Request(ROLE, "personalize:ListCampaigns", "*", {})
    assert " on resource" not in message(request, NOTHING)
