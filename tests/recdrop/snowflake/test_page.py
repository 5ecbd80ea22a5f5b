"""docs/sql.md is what the registry says."""

from __future__ import annotations

from recdrop.snowflake import page


def test_the_page_is_up_to_date() -> None:
    written = page.PAGE.read_text(encoding="utf-8")
    assert written == page.text(), "run: python -m recdrop.snowflake.page"
