"""A stack whose functions and services are held to their policies."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from recdrop.local.iam.policy import Policy
from recdrop.local.stack import Stack
from tests.recdrop.conftest import ended, eventually
from tests.recdrop.local.shims.drops import drop


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the stack logs. An application called `recdrop` keeps it from the root, as Chalice does."""
    logger = logging.getLogger("recdrop.local")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def run(stack: Stack, function: str, handler: Any) -> Any:
    """What a handler answers that stands in for a function's own."""
    name = stack.resources[function]
    before = stack.lambdas._handlers[name]
    stack.lambdas._handlers[name] = handler
    try:
        return stack.invoke(function, {})
    finally:
        stack.lambdas._handlers[name] = before


@contextmanager
def allowed(stack: Stack, function: str, *statements: dict[str, Any]) -> Iterator[None]:
    """The role of a function (or a role, by its logical id) with these policies alone."""
    principals = stack.guard.principals
    functions = {each.name: each.role for each in stack._deployed.functions}
    name = stack.resources[function]
    arn = functions.get(name, f"arn:aws:iam::123456789012:role/{name}")
    role = principals.role(arn)
    assert role is not None
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    principals.change(replace(role, policies=(Policy(function, document),)))
    try:
        yield
    finally:
        principals.change(role)


def identity(_event: Any, _context: Any) -> Any:
    return boto3.client("sts").get_caller_identity()["Arn"].rpartition("/")[2]


def test_each_function_signs_as_itself(stack: Stack) -> None:
    for function in ("Check", "Slow"):
        assert run(stack, function, identity) == stack.resources[function]


def test_functions_that_share_a_client_sign_as_themselves_at_the_same_time(stack: Stack) -> None:
    shared = boto3.client("sts")

    def ask(_event: Any, _context: Any) -> Any:
        return [shared.get_caller_identity()["Arn"].rpartition("/")[2] for _ in range(10)]

    functions = ("Check", "Slow")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda function: run(stack, function, ask), functions))
    assert found == [[stack.resources[function]] * 10 for function in functions]


def test_threads_that_a_function_starts_sign_as_it_does(stack: Stack, tmp_path: Path) -> None:
    file, bucket = tmp_path / "large", stack.outputs["DropBucketName"]
    file.write_bytes(b"x" * 9_000_000)  # above 8 MB boto3 uploads in parts, in threads
    seen: list[str] = []
    stack.guard.record = lambda request, _: seen.append(
        f"{request.principal.session} {request.action}"
    )

    def upload(_event: Any, _context: Any) -> Any:
        boto3.client("s3").upload_file(str(file), bucket, "poison-large")

    put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    with allowed(stack, "Check", put):
        run(stack, "Check", upload)
    # The upload is begun, sent in two parts, and completed.
    assert seen.count(f"{stack.resources['Check']} s3:PutObject") == 4


def test_outside_of_a_function_the_process_signs_as_the_developer(stack: Stack) -> None:
    boto3.client("s3").head_bucket(Bucket=stack.outputs["DropBucketName"])


def test_a_function_is_refused_what_its_role_does_not_allow(stack: Stack) -> None:
    def read(_event: Any, _context: Any) -> Any:
        with pytest.raises(ClientError) as raised:
            boto3.client("s3").get_object(Bucket=stack.outputs["DropBucketName"], Key="a")
        return raised.value.response["Error"]["Message"]

    text = run(stack, "Check", read)
    assert text.startswith("User: arn:aws:sts::123456789012:assumed-role/")
    assert "is not authorized to perform: s3:GetObject" in text


def failures(stack: Stack, *statements: dict[str, Any]) -> list[tuple[str, str]]:
    """Error and cause of each task that failed, of a machine whose role has these policies."""
    states = stack.boto_client("stepfunctions")
    with allowed(stack, "PipelineRole", *statements):
        arn = states.start_execution(stateMachineArn=stack.outputs["StateMachineArn"], input="{}")
        ended(stack, arn["executionArn"])
    events = states.get_execution_history(executionArn=arn["executionArn"])["events"]
    failed = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
    return [(details["error"], details["cause"]) for details in failed]


def test_a_state_machine_does_what_its_role_allows(stack: Stack) -> None:
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
    [(error, cause)] = failures(stack, publish)
    assert error == "Lambda.AWSLambdaException"
    assert "/states is not authorized to perform: lambda:InvokeFunction" in cause
    [_, (_, cause)] = failures(stack)
    assert "/StepFunctions is not authorized to perform: SNS:Publish" in cause


def test_a_rule_reaches_a_queue_whose_policy_lets_it(
    stack: Stack, heard: pytest.LogCaptureFixture
) -> None:
    queue = f"arn:aws:sqs:us-east-1:123456789012:{stack.resources['DropQueue'].rpartition('/')[2]}"
    policy = stack.guard.policy_of(queue)
    assert policy is not None
    stack.guard.change(queue, None)
    drop(stack, "shop/interactions/poison-unsent.csv")
    stack.guard.change(queue, policy)
    assert "no resource-based policy allows the sqs:SendMessage action" in heard.text


def test_a_queue_feeds_a_function_whose_role_may_read_it(stack: Stack) -> None:
    sqs, url = stack.boto_client("sqs"), stack.resources["DropQueue"]

    def waiting() -> int:
        asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(asked["ApproximateNumberOfMessages"])

    eventually(lambda: waiting() == 0)
    with allowed(stack, "OnExport"):
        sqs.send_message(QueueUrl=url, MessageBody='{"detail": {"object": {"key": "poison"}}}')
        assert not stack._pollers[url.rpartition("/")[2]].poll()
        assert waiting() == 1
    eventually(lambda: waiting() == 0)


def test_a_function_whose_role_may_not_log_has_no_log(
    stack: Stack, heard: pytest.LogCaptureFixture
) -> None:
    name = stack.resources["BadResult"]
    with allowed(stack, "BadResult"):
        stack.logs.add(name, "r1", "unheard")
        eventually(lambda: "is not in CloudWatch Logs" in heard.text)
    groups = stack.boto_client("logs").describe_log_groups()["logGroups"]
    assert f"/aws/lambda/{name}" not in {group["logGroupName"] for group in groups}
