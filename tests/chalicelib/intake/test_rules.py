from __future__ import annotations

import pytest

from chalicelib.config.sections import Source
from chalicelib.intake.rules import Rules, rules_of
from chalicelib.sources.adapter import Seen

LOGS = Seen(["segment-logs/abc/1700000000000/1.gz"])


def test_a_tool_is_recognised_by_its_names_and_said() -> None:
    rules = rules_of(Source(), LOGS)
    assert (rules.source, rules.mode, rules.complete) == ("segment", "INCREMENTAL", "quiet:5m")
    assert "segment-logs/abc" in rules.recognised


def test_what_the_config_says_comes_first() -> None:
    said = rules_of(Source(kind="plain", complete="each-file", mode="FULL"), LOGS)
    assert said == Rules("plain", "", "each-file", "FULL")
    assert rules_of(Source(mode="FULL"), LOGS).mode == "FULL"


@pytest.mark.parametrize("name", ["part-00000-tid-51-c0.csv", "orders.csv"])
def test_a_marker_is_not_asked_for_where_it_may_have_been_left_behind(name: str) -> None:
    assert rules_of(Source(), Seen([f"interactions/{name}"])).complete == "auto"
