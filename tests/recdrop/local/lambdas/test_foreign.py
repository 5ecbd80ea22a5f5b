"""Functions that somebody made with CreateFunction, on the running stack."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually, run_machine, task

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
SOURCE = """
import os
import boto3
COUNT = 0

def handler(event, context):
    global COUNT
    COUNT += 1
    print("called with", event)
    if event.get("fail"):
        raise LookupError("no such thing")
    if event.get("leave"):
        os._exit(3)
    while event.get("late"):
        pass
    names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
    told = context.function_name, context.get_remaining_time_in_millis() > 0
    return {"count": COUNT, "stage": os.environ["STAGE"], "told": told, "buckets": len(names)}
"""


def zipped(source: str, name: str = "index.py") -> bytes:
    """A zip with one module."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, source)
    return archive.getvalue()


def lambda_role(stack: Stack, name: str) -> str:
    """The ARN of a role that Lambda may assume."""
    made = stack.boto_client("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    return str(made["Role"]["Arn"])


def make(stack: Stack, name: str, source: str = SOURCE, **more: Any) -> Any:
    client = stack.boto_client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=lambda_role(stack, name),
        Code={"ZipFile": zipped(source)},
        Environment={"Variables": {"STAGE": "test"}},
        **more,
    )
    return client


def invoke(client: Any, name: str, event: Any = None) -> tuple[bool, Any]:
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event or {}))
    return "FunctionError" in answer, json.loads(answer["Payload"].read())


def test_a_zip_runs_in_a_process_of_its_own_and_stays_warm(stack: Stack) -> None:
    client = make(stack, "counting")
    answers = [invoke(client, "counting") for _ in range(2)]
    assert [failed for failed, _ in answers] == [False, False]
    first, second = (answer for _, answer in answers)
    assert (first["count"], second["count"], first["stage"]) == (1, 2, "test")
    assert first["told"] == ["counting", True]
    assert first["buckets"] > 0
    eventually(lambda: stack.logs.after(0, "counting", "called with", 10))


def test_what_it_raises_is_an_error_document_and_what_it_does_to_its_process_harms_nobody(
    stack: Stack,
) -> None:
    client = make(stack, "failing", Timeout=1)
    failed, document = invoke(client, "failing", {"fail": True})
    assert failed
    assert (document["errorType"], document["errorMessage"]) == ("LookupError", "no such thing")
    assert "index.py" in document["stackTrace"][0]
    failed, document = invoke(client, "failing", {"leave": True})
    assert (failed, document["errorType"]) == (True, "Runtime.ExitError")
    failed, document = invoke(client, "failing", {"late": True})
    assert (failed, document["errorType"]) == (True, "Sandbox.Timedout")
    assert invoke(client, "failing")[1]["count"] == 1


def test_new_code_is_run_from_then_on(stack: Stack) -> None:
    client = make(stack, "changing")
    assert invoke(client, "changing")[1]["count"] == 1
    source = "def handler(event, context): return 'new'"
    client.update_function_code(FunctionName="changing", ZipFile=zipped(source))
    assert invoke(client, "changing") == (False, "new")
    client.delete_function(FunctionName="changing")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoke(client, "changing")


def test_a_layer_lies_on_its_path(stack: Stack) -> None:
    client = stack.boto_client("lambda")
    layer = client.publish_layer_version(
        LayerName="shared", Content={"ZipFile": zipped("WORD = 'layered'", "python/shared.py")}
    )["LayerVersionArn"]
    source = "import shared\ndef handler(event, context): return shared.WORD"
    make(stack, "layered", source, Layers=[layer])
    assert invoke(client, "layered") == (False, "layered")


def test_a_state_machine_invokes_it(stack: Stack) -> None:
    make(stack, "stepped", "def handler(event, context): return {'got': event}")
    parameters = {"FunctionName": "stepped", "Payload": {"x": 1}}
    run = run_machine(stack, task("arn:aws:states:::lambda:invoke", parameters), "foreign-lambda")
    assert json.loads(run["output"])["Payload"] == {"got": {"x": 1}}
