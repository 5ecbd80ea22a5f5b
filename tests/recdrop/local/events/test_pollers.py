"""Queues that feed Lambdas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recdrop.local.events.pollers import failed_items
from recdrop.local.lambdas.function import Answer
from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": []}, set()),
        ({}, set()),
        (None, set()),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
    ],
)
def test_partial_batch_answers(result: Any, expected: set[str]) -> None:
    answer = Answer(json.dumps(result).encode(), failed=False, request_id="r")
    assert failed_items(answer, {"a", "b"}) == expected


def test_a_lambda_that_raises_gets_its_batch_again(stack: Stack) -> None:
    name = stack.resources["OnExport"]
    before = stack.lambdas._handlers[name]
    counts: list[str] = []

    def fail_once(event: Any, _context: Any) -> Any:
        counts.extend(
            record["attributes"]["ApproximateReceiveCount"] for record in event["Records"]
        )
        if len(counts) == 1:
            raise RuntimeError("once")
        return {"batchItemFailures": []}

    stack.lambdas._handlers[name] = fail_once
    stack.boto_client("sqs").send_message(QueueUrl=stack.resources["DropQueue"], MessageBody="{}")
    eventually(lambda: len(counts) >= 2)
    stack.lambdas._handlers[name] = before
    assert counts == ["1", "2"]
