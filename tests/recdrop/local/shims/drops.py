"""Drops of the sample application, and queues to listen at."""

from __future__ import annotations

import json
import uuid
from typing import Any

from recdrop.local.stack import Stack
from tests.recdrop.conftest import ended, eventually


def drop(stack: Stack, key: str, body: bytes = b"x") -> str:
    """Put an object in the drop bucket; its ETag."""
    answer = stack.boto_client("s3").put_object(
        Bucket=stack.outputs["DropBucketName"], Key=key, Body=body
    )
    return str(answer["ETag"]).strip('"')


def run_of(stack: Stack, etag: str) -> dict[str, Any]:
    """The ended execution that a drop has started."""
    arn = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":run-{etag}"
    states = stack.boto_client("stepfunctions")

    def look() -> bool:
        try:
            return bool(states.describe_execution(executionArn=arn))
        except states.exceptions.ExecutionDoesNotExist:
            return False

    eventually(look)
    return ended(stack, arn)


def make_queue(stack: Stack) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    sqs = stack.boto_client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]


def receive(stack: Stack, url: str) -> list[Any]:
    """The bodies in a queue."""
    messages = (
        stack.boto_client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        .get("Messages", [])
    )
    return [json.loads(message["Body"]) for message in messages]
