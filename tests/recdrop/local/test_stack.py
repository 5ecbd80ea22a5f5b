"""Starting, stopping, and the one port."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import boto3
import pytest
from botocore.exceptions import ClientError

from recdrop.local.stack import Stack, StackError
from recdrop.service.http.httpserver import PortInUseError
from tests.recdrop.conftest import SAMPLE, eventually, fetch


def test_environment_and_ports_are_as_before_when_it_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.example")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    before = dict(os.environ)
    with Stack(SAMPLE, personalize=False, environment={"QUIET_SECONDS": "1"}) as stack:
        assert os.environ["AWS_ENDPOINT_URL"] == stack.aws_url
        assert os.environ["QUIET_SECONDS"] == "1"
        assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
        assert os.environ["STATE_MACHINE_ARN"] == stack.outputs["StateMachineArn"]
        # Nobody names a stack to `recdrop` here, so no report tells anybody to.
        assert os.environ["STACK_NAME"] == ""
        url = stack.aws_url
        assert boto3.client("s3").list_buckets()["Buckets"]
        with pytest.raises(StackError, match="Expected one at a time"):
            Stack(SAMPLE).start()
    assert dict(os.environ) == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(url.rsplit(":", 1)[1]))) != 0
    assert not [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(("poll-", "schedules", "keeper"))
    ]


def test_a_machine_that_somebody_else_made_waits_by_its_own_scale() -> None:
    minutes = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}}
    with Stack(SAMPLE, scale=1_000_000, personalize=False) as stack:
        states = stack.boto_client("stepfunctions")
        machine = states.create_state_machine(
            name="foreign",
            definition=json.dumps(minutes),
            roleArn="arn:aws:iam::123456789012:role/any",
        )["stateMachineArn"]
        arn = states.start_execution(stateMachineArn=machine)["executionArn"]
        eventually(lambda: len(states.get_execution_history(executionArn=arn)["events"]) > 1)
        time.sleep(0.2)  # at the scale of the project's own machine it would long have ended
        assert states.describe_execution(executionArn=arn)["status"] == "RUNNING"
        states.stop_execution(executionArn=arn)


def test_a_taken_port_is_named_with_its_variable_and_nothing_stays_behind() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option, variable in (("aws_port", "AWS_PORT"), ("api_port", "API_PORT")):
            with pytest.raises(PortInUseError, match=f"Port {port} is in use.*{variable}="):
                Stack(SAMPLE, **{option: port}).start()
    assert "AWS_ENDPOINT_URL" not in os.environ or Stack._live is not None


def test_health_says_what_runs_where(stack: Stack) -> None:
    status, _, body = fetch(f"{stack.aws_url}/_recdrop/health")
    document = json.loads(body)
    assert status == 200
    assert (document["ready"], document["aws_url"], document["api_url"]) == (
        True,
        stack.aws_url,
        stack.api_url,
    )
    assert document["outputs"]["DropBucketName"] == stack.resources["DropBucket"]
    assert fetch(f"{stack.aws_url}/_recdrop/nope")[0] == 404


@pytest.mark.parametrize(
    ("service", "operation"), [("batch", "describe_job_queues"), ("redshift", "describe_clusters")]
)
def test_services_that_are_not_served_say_so(stack: Stack, service: str, operation: str) -> None:
    with pytest.raises(ClientError, match=f"does not serve '{service}'"):
        getattr(stack.boto_client(service), operation)()


def test_what_moto_lacks_is_logged_and_answered(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ClientError, match="moto does not implement"):
        stack.boto_client("stepfunctions").validate_state_machine_definition(definition="{}")
    assert "validate_state_machine_definition" in caplog.text


def test_web_pages_may_not_steer_the_stack(stack: Stack) -> None:
    assert fetch(f"{stack.aws_url}/_recdrop/stop", b"", Origin="http://elsewhere.example")[0] == 403
    assert not stack.stop_requested.is_set()


def test_conditional_puts_are_won_once(stack: Stack) -> None:
    client = stack.boto_client("dynamodb")
    barrier = threading.Barrier(8)

    def claim(key: str) -> bool:
        barrier.wait()
        try:
            client.put_item(
                TableName=stack.resources["Ledger"],
                Item={"pk": {"S": key}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        for round_number in range(5):
            assert sum(pool.map(claim, [f"claim-{round_number}"] * 8)) == 1


def test_metadata_names_keep_their_underscores(stack: Stack) -> None:
    s3, bucket = stack.boto_client("s3"), stack.outputs["DropBucketName"]
    s3.put_object(Bucket=bucket, Key="poison-meta", Body=b"", Metadata={"a_b": "1", "c-d": "2"})
    assert s3.head_object(Bucket=bucket, Key="poison-meta")["Metadata"] == {"a_b": "1", "c-d": "2"}


def test_large_objects_and_presigned_addresses_work(stack: Stack) -> None:
    s3, bucket = stack.boto_client("s3"), stack.outputs["DropBucketName"]
    data = os.urandom(12 * 1024 * 1024)
    s3.upload_fileobj(BytesIO(data), bucket, "poison-big")
    assert s3.get_object(Bucket=bucket, Key="poison-big")["Body"].read() == data
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "poison-big"})
    assert fetch(url)[2] == data
