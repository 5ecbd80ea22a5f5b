from __future__ import annotations

import json
from typing import Any

import pytest

from recdrop.service.errors import UnmodelledError
from recdrop.service.http.faults import Faults
from recdrop.service.resources.lifecycle import Fate


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def faults(slept: list[float]) -> Faults:
    return Faults(("Dance", "Sing"), slept.append)


def test_rules_are_obeyed_in_the_order_of_the_plan(faults: Faults, slept: list[float]) -> None:
    faults.replace('[{"fault": "delay", "seconds": 3}, {"fault": "throttle"}]')
    with pytest.raises(UnmodelledError, match="Rate exceeded"):
        faults.next_for("Dance").before({})
    assert slept == [3]


def test_a_wrong_plan_leaves_the_one_before_in_force(faults: Faults) -> None:
    faults.replace('{"operation": "Sing", "fault": "job", "reason": "Hoarse."}')
    reply = faults.administer("PUT", b'[{"fault": "explode"}]')
    assert reply.status == 400
    assert faults.next_for("Sing").fate == Fate("Hoarse.")
    assert faults.next_for("Dance").fate == Fate()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fault": "explode"}, "fault 'explode'. Expected one of: throttle"),
        (
            {"fault": "throttle", "operation": "DanceAway"},
            "operation 'DanceAway', which does not exist",
        ),
        ({"fault": "throttle", "call": 0}, "call 0. Expected a number from 1"),
        ({"fault": "throttle", "colour": 1}, "Expected an object with"),
    ],
)
def test_a_wrong_plan_is_refused_with_a_reason(
    faults: Faults, rule: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        faults.replace(json.dumps([rule]))
