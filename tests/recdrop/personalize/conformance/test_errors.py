"""Every modelled error of every operation, with the status the model gives it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.personalize.conformance.refusals import Refusal, begin, refusals
from tests.recdrop.personalize.conformance.stage import Frozen, Stage

REFUSALS = refusals()


@pytest.fixture(scope="session")
def pending(busy: Frozen, stage: Stage) -> Mapping[str, str]:
    return begin(busy, stage.record)


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_request_is_refused_with_the_modelled_error(
    stage: Stage, busy: Frozen, full: Frozen, pending: Mapping[str, str], refusal: Refusal
) -> None:
    client = full if refusal.where == "full" else busy
    answer = client.send(refusal.operation, refusal.request(stage.record, pending), refusal.headers)
    assert answer.code == refusal.code, answer.message
    assert answer.status == PERSONALIZE.operations[refusal.operation].errors[refusal.code]
    assert answer.message


def test_every_modelled_error_has_a_refusal() -> None:
    modelled = {
        (operation.name, code)
        for operation in PERSONALIZE.operations.values()
        for code in operation.errors
    }
    assert {(refusal.operation, refusal.code) for refusal in REFUSALS} == modelled
