from __future__ import annotations

from pathlib import Path

from recdrop.personalize.operations_page import (
    EVIDENCE,
    is_done,
    page,
    read_witnesses,
    stale_differences,
)
from recdrop.personalize.specification import PERSONALIZE

DOCS = Path(__file__).parents[3] / "docs"
WITNESSES = read_witnesses(Path(__file__).with_name("witnesses"))


def test_the_page_says_what_the_code_does() -> None:
    command = "docs/operations.md tests/recdrop/personalize/witnesses"
    assert (DOCS / "operations.md").read_text() == page(WITNESSES), (
        f"run: python -m recdrop.personalize.operations_page {command}"
    )


def test_what_is_said_to_be_printed_has_a_witness() -> None:
    assert {name for name, told in EVIDENCE.items() if "printed" in told} <= WITNESSES.keys()


def test_every_one_of_the_79_operations_is_done() -> None:
    assert len(PERSONALIZE.operations) == 79
    assert [
        operation.name for operation in PERSONALIZE.operations.values() if not is_done(operation)
    ] == []


def test_no_difference_is_told_of_an_operation_that_is_not() -> None:
    assert list(stale_differences()) == []
