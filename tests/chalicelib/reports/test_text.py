from __future__ import annotations

import msgspec
import pytest

from chalicelib.reports import text
from tests.chalicelib.reports.test_page import REPORT


def test_a_held_export_is_accepted_or_dropped_whole() -> None:
    command = text.next_command("shop", "abc", failed=True, error="ExportHeld")
    assert command.startswith("recdrop accept abc ")


def test_the_headline_says_what_became_of_each_solution() -> None:
    assert text.headline(REPORT) == "for-you promoted"


def test_a_failed_run_says_so_and_what_to_do_next() -> None:
    failed = msgspec.structs.replace(
        REPORT,
        status="failed",
        reason="ExportRejected in 'Check the export': no ITEM_ID",
        solutions=(),
        next_command=text.next_command("shop", "abc", failed=True, error="ExportRejected"),
    )
    assert text.headline(failed) == "run abc failed"
    assert "no ITEM_ID" in text.text(failed)
    assert "recdrop quarantine abc" in text.text(failed)


def test_other_failures_point_at_the_states_of_the_execution() -> None:
    command = text.next_command("shop", "abc", failed=True, error="ResourceFailed")
    assert command.startswith("recdrop runs shop-abc ")


@pytest.mark.parametrize(("failed", "error"), [(False, ""), (True, "ExportRejected"), (True, "X")])
def test_what_to_type_names_the_stack_that_the_run_was_on(failed: bool, error: str) -> None:
    command = text.next_command("shop", "abc", failed=failed, error=error, stack="recdrop-prod")
    assert command.split("   #")[0].endswith(" --stack recdrop-prod")


def test_the_summary_gives_each_solution_its_first_reason() -> None:
    assert (
        text.summary(REPORT.solutions)
        == f"for-you: promoted. {text.reasons(REPORT.solutions[0])[0]}"
    )
