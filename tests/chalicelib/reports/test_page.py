"""The run report as a page: read by a parser, as a screen reader would."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec

from chalicelib import documents
from chalicelib.documents import (
    CostLine,
    DatasetSummary,
    Decision,
    Finding,
    Requirement,
    RunReport,
    SetReport,
    SolutionReport,
    Stage,
)
from chalicelib.reports.page import page as html

METRIC = "normalized_discounted_cumulative_gain_at_10"
DECISION = Decision(
    solution="for-you",
    recipe="aws-user-personalization-v2",
    metric=METRIC,
    action="promote",
    evidence="better",
    reasons=("Promoted: <script>alert(1)</script>",),
    users=200,
    candidate="arn:new",
    live="arn:old",
    metrics={"candidate": {METRIC: 0.37}, "popularity": {METRIC: 0.16}},
    own_metrics={"coverage": 0.1, "normalized_discounted_cumulative_gain_at_10": 0.2},
)
REPORT = RunReport(
    run="abc",
    group="shop",
    status="succeeded",
    reason="for-you: promoted. It is <b>better</b>.",
    started="2026-01-01T00:00:00Z",
    ended="2026-01-01T00:01:00Z",
    stages=(
        Stage("Train", 10.0, 14.0, 1, 2, "for-you"),
        Stage("Train", 11.0, 19.0, 1, 0, "similar"),
    ),
    solutions=(
        SolutionReport(
            solution="for-you",
            recipe="aws-user-personalization-v2",
            result="promoted",
            decision=DECISION,
        ),
    ),
    data=SetReport(
        verdict="yes",
        datasets=(DatasetSummary(dataset="interactions", files=1, rows=10, kept=9, columns=()),),
        requirements=(Requirement("interactions", 9, 1000, 50000),),
        findings=(Finding("warning", "x", "1 row dropped", 1, 0.1, "mend it", ("a.csv:7",)),),
    ),
    cost=(CostLine("training", 1.0, "hours", 0.24),),
    next_command="recdrop runs",
)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def test_the_page_runs_no_script_and_loads_nothing() -> None:
    page = Page(html(REPORT))
    assert page.count("script") == page.count("link") == page.count("img") == 0
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)


def test_every_table_has_a_caption_and_scoped_heads_and_every_chart_a_label() -> None:
    page = Page(html(REPORT))
    assert page.count("table") == page.count("caption") > 3
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert all("aria-label" in attributes for tag, attributes in page.tags if tag == "svg")


def test_text_from_outside_is_escaped() -> None:
    assert "<b>better" not in html(REPORT)
    assert "&lt;b&gt;better" in html(REPORT)


def test_the_report_survives_its_journey_as_json() -> None:
    assert documents.decode(documents.encode(REPORT), RunReport, "report.json") == REPORT


def test_each_solution_has_a_bar_of_its_own() -> None:
    assert "Train: for-you" in html(REPORT)
    assert "Train: similar" in html(REPORT)


def test_a_finding_says_where_to_look_and_how_much_it_is() -> None:
    assert "1 row dropped (for example a.csv:7)" in html(REPORT)
    assert "1 (10.0%)" in html(REPORT)


def test_candidate_and_live_version_are_named() -> None:
    assert "Candidate <code>arn:new</code>, live <code>arn:old</code>" in html(REPORT)


def test_a_solution_that_failed_before_its_decision_says_why() -> None:
    failed = SolutionReport(
        solution="for-you", recipe="svd", result="failed", failure="ResourceFailed in 'Train': no"
    )
    shown = html(msgspec.structs.replace(REPORT, status="failed", solutions=(failed,)))
    assert "ResourceFailed in &#x27;Train&#x27;: no" in shown
    assert "Metrics of" not in shown


def test_personalizes_own_ndcg_is_told_apart_from_ours() -> None:
    assert "normalized_discounted_cumulative_gain_at_10 (of the hits found)" in html(REPORT)
