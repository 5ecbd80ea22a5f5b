"""Every operation once with good input, in one life of all resources (life.py)."""

from __future__ import annotations

import json

import pytest
from botocore.model import StructureShape

from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.wire.specification import member_of_kind
from tests.recdrop.personalize.conformance.stage import Stage

ECHOED = [
    name
    for name in PERSONALIZE.operations
    if name.startswith("Create")
    and f"Describe{name.removeprefix('Create')}" in PERSONALIZE.operations
]


@pytest.mark.parametrize("name", PERSONALIZE.operations)
def test_good_input_is_answered(stage: Stage, name: str) -> None:
    assert name in stage.record.answers, stage.record.failure


@pytest.mark.parametrize("name", ECHOED)
def test_describe_echoes_every_create_parameter(stage: Stage, name: str) -> None:
    operation = PERSONALIZE.operations[f"Describe{name.removeprefix('Create')}"]
    assert operation.output
    wrapper, shape = member_of_kind(operation.output, "structure")
    assert isinstance(shape, StructureShape)
    described = stage.record.answers[operation.name][wrapper]
    # Left out are tags, and the metrics of an attribution, which have a List of their own.
    for member in shape.members.keys() & stage.record.requests[name].keys():
        given, shown = stage.record.requests[name][member], described[member]
        if member == "datasetType":
            assert shown == given.upper()
        elif isinstance(given, dict):
            assert shown.items() >= given.items()
        else:
            assert shown == given


def test_batch_jobs_answer_line_by_line(stage: Stage) -> None:
    inference = [
        json.loads(line) for line in stage.objects["out/batch/batch.json.out"].splitlines()
    ]
    assert [line["input"] for line in inference] == [{"userId": "u1"}, {"userId": "u2"}]
    assert all(len(line["output"]["recommendedItems"]) == 5 for line in inference)
    [segment] = [
        json.loads(line) for line in stage.objects["out/segments/segments.json.out"].splitlines()
    ]
    assert segment["input"] == {"itemId": "f1"}
    assert len(segment["output"]["usersList"]) == 5
