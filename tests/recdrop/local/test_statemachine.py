"""Policies are named once and written out where a definition is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recdrop.local.statemachine import DefinitionError, expand, read

POLICIES = {"poll": {"Comment": "Until it is there.", "ErrorEquals": ["Pending"], "MaxAttempts": 9}}
POLL = {"ErrorEquals": ["Pending"], "MaxAttempts": 9}
OTHER = {"ErrorEquals": ["States.Timeout"]}


def machine(*retry: Any) -> dict[str, Any]:
    """A machine of one task that is retried so."""
    return {"StartAt": "Work", "States": {"Work": {"Type": "Task", "Retry": list(retry)}}}


def test_a_name_becomes_its_policy_without_the_comment() -> None:
    made = machine("poll", OTHER)
    expand(made, POLICIES)
    assert made == machine(POLL, OTHER)


def test_states_inside_map_and_parallel_are_reached() -> None:
    made: dict[str, Any] = {
        "States": {
            "Each": {"Type": "Map", "ItemProcessor": machine("poll")},
            "Both": {"Type": "Parallel", "Branches": [machine("poll"), machine(OTHER)]},
        }
    }
    expand(made, POLICIES)
    assert made["States"]["Each"]["ItemProcessor"] == machine(POLL)
    assert made["States"]["Both"]["Branches"] == [machine(POLL), machine(OTHER)]


def test_an_unknown_policy_is_named_with_its_state_and_file(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.asl.json"
    path.write_text(json.dumps(machine("pol")))
    with pytest.raises(DefinitionError, match=r"'Work' is retried by 'pol'.*no retry\.json"):
        read(path)
    (tmp_path / "retry.json").write_text(json.dumps(POLICIES))
    with pytest.raises(DefinitionError, match=r"asl\.json: state 'Work'.*one of: poll\.$"):
        read(path)


def test_a_file_without_names_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.asl.json"
    path.write_text(json.dumps(machine(OTHER)))
    assert read(path) == machine(OTHER)
