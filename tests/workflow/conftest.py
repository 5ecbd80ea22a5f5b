"""One stack for all workflow tests.

With STEPFUNCTIONS_ENDPOINT set, the same definitions run there instead of in moto.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from recdrop.local.stack import Stack
from recdrop.personalize.control.catalog import Recipe, load_catalog
from recdrop.personalize.control.quotas import load_quotas
from tests.workflow.shop import INBOX, Shop

PROJECT = Path(__file__).resolve().parents[2]
# A recipe that the pipeline does not know, unless a test adds a row for it.
MADE_UP = Recipe(
    name="made-up-recipe",
    engine="user-personalization-v2",
    type="USER_PERSONALIZATION",
    description="Not of Amazon.",
    algorithm="made-up",
    hyperparameters={},
    features={},
)
SETTINGS = {"QUIET_SECONDS": "1", "DEADLINE_SECONDS": "3", "LOG_LEVEL": "INFO"}
TIME_SCALE = 400


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    data = tmp_path_factory.mktemp("stack")
    personalize = {
        # Every test has a group of its own, more than an account may have.
        "quotas": load_quotas().adjusted({"dataset_groups": 50}),
        "training_seconds": 2,
        "catalog": load_catalog(MADE_UP),
    }
    with Stack(
        PROJECT,
        scale=TIME_SCALE,
        data_dir=data,
        environment=SETTINGS,
        personalize_options=personalize,
    ) as stack:
        queue = stack.boto_client("sqs").create_queue(QueueName=INBOX)["QueueUrl"]
        arn = stack.boto_client("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        stack.boto_client("sns").subscribe(
            TopicArn=stack.outputs["RunTopicArn"], Protocol="sqs", Endpoint=arn
        )
        endpoint = os.environ.get("STEPFUNCTIONS_ENDPOINT")
        if endpoint:
            yield move_to(stack, endpoint)
        else:
            yield Shop(stack, stack.boto_client("stepfunctions"), stack.outputs["PipelineArn"])


def move_to(stack: Stack, endpoint: str) -> Shop:
    """The stack's state machine, unchanged, on another Step Functions; the Lambdas start their
    executions there.
    """
    from chalicelib.context import open_context

    definition = stack.boto_client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.outputs["PipelineArn"]
    )
    os.environ["AWS_ENDPOINT_URL_SFN"] = endpoint
    open_context.cache_clear()
    client = boto3.client("stepfunctions", endpoint_url=endpoint, region_name="us-east-1")
    name, role = definition["name"], "arn:aws:iam::123456789012:role/pipeline"
    made = client.create_state_machine(
        name=name, definition=json.dumps(json.loads(definition["definition"])), roleArn=role
    )
    return Shop(stack, client, made["stateMachineArn"])
