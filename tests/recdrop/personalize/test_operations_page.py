from __future__ import annotations

from pathlib import Path

from recdrop.personalize.operations_page import is_done, page, stale_differences
from recdrop.personalize.specification import PERSONALIZE

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_says_what_the_code_does() -> None:
    assert (DOCS / "operations.md").read_text() == page(), (
        "run: python -m recdrop.personalize.operations_page docs/operations.md"
    )


def test_every_one_of_the_79_operations_is_done() -> None:
    assert len(PERSONALIZE.operations) == 79
    assert [
        operation.name for operation in PERSONALIZE.operations.values() if not is_done(operation)
    ] == []


def test_no_difference_is_told_of_an_operation_that_is_not() -> None:
    assert list(stale_differences()) == []
