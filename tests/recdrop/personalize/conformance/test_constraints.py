from __future__ import annotations

import re

import pytest

from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.personalize.conformance.client import Client
from tests.recdrop.personalize.conformance.constraints import Case, breaking, fitting

BREAKING = breaking()
FITTING = fitting()


@pytest.mark.parametrize("case", BREAKING, ids=str)
def test_a_value_outside_a_constraint_is_refused_by_name(empty: Client, case: Case) -> None:
    answer = empty.send(case.operation, case.body)
    assert (answer.status, answer.code) == (400, "InvalidInputException")
    places = re.findall(r"at '([^']*)' failed to satisfy constraint: Member must", answer.message)
    assert places
    assert all(case.member in place for place in places), answer.message


@pytest.mark.parametrize("case", FITTING, ids=str)
def test_a_value_at_the_edge_of_a_constraint_is_not_refused_for_it(
    empty: Client, case: Case
) -> None:
    answer = empty.send(case.operation, case.body)
    assert answer.status < 500
    assert "failed to satisfy constraint" not in answer.message


def test_every_operation_with_input_is_covered() -> None:
    assert {case.operation for case in BREAKING} == set(PERSONALIZE.operations)
    assert len(BREAKING) + len(FITTING) > 1_500
