"""recdrop's own functions, behind the local gateway, keep every rule."""

from __future__ import annotations

import pytest

from recdrop.cli.main import main
from recdrop.local.stack import Stack
from tests.recdrop.local.test_edge import SIGNED, api

__all__ = ["api"]  # the fixture: a stack whose popular list answers


@pytest.mark.parametrize(
    ("function", "row"), [("recommend", '["u1", 3, null]'), ("popular", "[3, null]")]
)
def test_own_functions_pass(
    api: Stack,
    function: str,
    row: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"{api.api_url}/snowflake/{function}"
    code = main(["efcheck", url, "--row", row, "--header", f"Authorization: {SIGNED}"])
    assert code == 0, capsys.readouterr().out
