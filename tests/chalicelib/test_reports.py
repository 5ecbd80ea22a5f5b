"""The run report as a page: read by a parser, as a screen reader would."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from chalicelib import reports

METRIC = "normalized_discounted_cumulative_gain_at_10"
REPORT = reports.Report(
    run="abc",
    group="shop",
    status="succeeded",
    reason="for-you: promoted. It is <b>better</b>.",
    started="2026-01-01T00:00:00Z",
    ended="2026-01-01T00:01:00Z",
    stages=[
        {"name": "Train", "started": 10.0, "ended": 14.0, "seconds": 4.0, "times": 1, "failures": 2}
    ],
    solutions=[
        {
            "solution": "for-you",
            "outcome": "promoted",
            "reasons": ["Promoted: <script>alert(1)</script>"],
            "users": 200,
            "metric": METRIC,
            "metrics": {"candidate": {METRIC: 0.37}, "popularity": {METRIC: 0.16}},
            "own_metrics": {"coverage": 0.1},
        }
    ],
    data={
        "verdict": "yes",
        "datasets": [{"dataset": "interactions", "files": 1, "rows": 10, "kept": 9}],
        "requirements": [
            {"name": "interactions", "have": 9, "minimum": 1000, "recommended": 50000}
        ],
        "findings": [
            {"severity": "warning", "sentence": "1 row dropped", "rows": 1, "action": "mend it"}
        ],
    },
    cost=[{"what": "training", "quantity": 1.0, "unit": "hours", "dollars": 0.24}],
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
    page = Page(reports.page(REPORT))
    assert page.count("script") == page.count("link") == page.count("img") == 0
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)


def test_every_table_has_a_caption_and_scoped_heads_and_every_chart_a_label() -> None:
    page = Page(reports.page(REPORT))
    assert page.count("table") == page.count("caption") > 3
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert all("aria-label" in attributes for tag, attributes in page.tags if tag == "svg")


def test_text_from_outside_is_escaped() -> None:
    assert "<b>better" not in reports.page(REPORT)
    assert "&lt;b&gt;better" in reports.page(REPORT)


def test_the_report_survives_its_journey_as_json() -> None:
    import msgspec

    assert reports.read(msgspec.json.encode(REPORT)) == REPORT


def test_a_failed_run_says_so_and_what_to_do_next() -> None:
    import msgspec

    fields: dict[str, Any] = {
        "status": "failed",
        "reason": "ExportRejected in 'Check the export': no ITEM_ID",
        "solutions": [],
    }
    failed = msgspec.structs.replace(
        REPORT,
        **fields,
        next_command=reports.next_command("shop", "abc", failed=True, error="ExportRejected"),
    )
    assert reports.headline(failed) == "run abc failed"
    assert "recdrop quarantine abc" in reports.text(failed)
