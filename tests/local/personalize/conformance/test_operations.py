"""Every operation once with good input, in one life of all resources (life.py)."""

from __future__ import annotations

import json

import pytest

from local.personalize.specification import operations
from tests.local.personalize.conformance.stage import Stage

ECHOED = [name for name in operations() if name.startswith("Create") and f"Describe{name.removeprefix('Create')}" in operations()]


@pytest.mark.parametrize("name", operations())
def test_good_input_is_answered(stage: Stage, name: str) -> None:
    assert name in stage.record.answers, stage.record.failure


@pytest.mark.parametrize("name", ECHOED)
def test_describe_echoes_every_create_parameter(stage: Stage, name: str) -> None:
    noun = name.removeprefix("Create")
    [described] = [
        value for value in stage.record.answers[f"Describe{noun}"].values() if isinstance(value, dict) and "HTTPHeaders" not in value
    ]
    for member, value in stage.record.requests[name].items():
        if member == "tags":
            continue
        shown = described[member]
        if isinstance(value, dict):
            assert shown.items() >= value.items()
        else:
            assert str(shown).lower() == str(value).lower() if member == "datasetType" else shown == value


def test_batch_jobs_answer_line_by_line(stage: Stage) -> None:
    inference = [json.loads(line) for line in stage.objects["out/batch/batch.json.out"].splitlines()]
    assert [line["input"] for line in inference] == [{"userId": "u1"}, {"userId": "u2"}]
    assert all(len(line["output"]["recommendedItems"]) == 5 for line in inference)
    [segment] = [json.loads(line) for line in stage.objects["out/segments/segments.json.out"].splitlines()]
    assert segment["input"] == {"itemId": "f1"}
    assert len(segment["output"]["recommendedUsers"]) == 5
