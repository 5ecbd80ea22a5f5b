"""What the static checks leave out has a reason beside it."""

from __future__ import annotations

import re

import pytest

from infrastructure.package import PROJECT


@pytest.mark.parametrize(
    ("file", "entry"),
    [
        ("infrastructure/cfn-lint.yaml", r"  - [EW]S\d+"),
        ("infrastructure/checkov.yaml", r"  - CKV"),
        ("pyproject.toml", r'    "B\d+"'),
    ],
)
def test_every_check_that_is_skipped_has_a_reason(file: str, entry: str) -> None:
    lines = [line for line in (PROJECT / file).read_text().splitlines() if re.match(entry, line)]
    assert lines
    assert [line for line in lines if not re.search(r"#  ?\w.{15}|  # \w.{15}", line)] == []
