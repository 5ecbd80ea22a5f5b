"""The Invoke operation over HTTP."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from recdrop.local.lambdas.function import InvokeError
from recdrop.local.lambdas.host import PAYLOAD_LIMIT
from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually


@pytest.mark.parametrize(
    ("name", "payload", "status", "code"),
    [
        ("no-such", b"{}", 404, "ResourceNotFoundException"),
        ("recdrop-Check", b"{", 400, "InvalidRequestContentException"),
        ("recdrop-Check", b'"' + b"x" * PAYLOAD_LIMIT + b'"', 413, "RequestTooLargeException"),
    ],
)
def test_refused_calls_have_the_services_codes(
    stack: Stack, name: str, payload: bytes, status: int, code: str
) -> None:
    with pytest.raises(InvokeError) as error:
        stack.lambdas.invoke(name, payload)
    assert (error.value.status, error.value.code) == (status, code)
    with pytest.raises(ClientError) as over_http:
        stack.boto_client("lambda").invoke(FunctionName=name, Payload=payload)
    assert over_http.value.response["Error"]["Code"] == code


def test_boto3_invokes_by_name_and_by_arn(stack: Stack) -> None:
    client = stack.boto_client("lambda")
    name = stack.resources["Check"]
    for target in (name, f"arn:aws:lambda:us-east-1:123456789012:function:{name}"):
        answer = client.invoke(FunctionName=target, Payload=json.dumps({"token": target}))
        assert json.load(answer["Payload"])["attempts"] == 1
    failed = client.invoke(
        FunctionName=name, Payload=json.dumps({"token": "pending", "pending": 1})
    )
    assert failed["FunctionError"] == "Unhandled"
    assert json.load(failed["Payload"])["errorType"] == "ResourcePending"


def test_dry_runs_and_events_do_not_wait(stack: Stack) -> None:
    client, name = stack.boto_client("lambda"), stack.resources["Check"]
    assert client.invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204
    payload = json.dumps({"token": "async"})
    assert (
        client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)["StatusCode"]
        == 202
    )
    eventually(lambda: stack.invoke("Check", {"token": "async"})["attempts"] >= 2)
