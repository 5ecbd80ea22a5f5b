from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec

from chalicelib.documents import Activity, DatasetSummary, SetReport
from chalicelib.reports.plots import activity_plots

NOW = Activity(
    rows=110,
    users=12,
    items=5,
    step=1,
    days=((19_000, 100), (19_001, 8), (19_005, 2)),
    per_user=(9, 2, 0, 1),
    per_item=(1, 4),
    repeats=0.25,
    cold_items=3,
)
LAST = msgspec.structs.replace(
    NOW, rows=100, users=10, days=((18_990, 50), (18_991, 50)), cold_items=0
)


def plots(activity: Activity | None, last: Activity | None = None) -> str:
    summary = DatasetSummary(
        dataset="interactions",
        files=1,
        rows=110,
        kept=110,
        columns=(),
        event_types={"view <b>": 100, "buy": 10},
    )
    data = SetReport(
        verdict="yes",
        datasets=(summary,),
        requirements=(),
        findings=(),
        activity=activity,
        last=last,
    )
    return "".join(activity_plots(data))


def texts(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_an_export_without_interactions_has_no_plots() -> None:
    assert plots(None) == ""


def test_days_have_bars_and_gaps_are_told() -> None:
    html = plots(NOW)
    assert "2022-01-08: 100" in html
    assert "Without interactions: 3 days from 2022-01-10" in html
    days = html[html.index("<svg") : html.index("</svg>") + 6]
    bars = ET.fromstring(days).findall("rect")
    assert [float(bar.attrib["height"]) for bar in bars] == [120.0, 9.6, 2.4]
    assert float(bars[2].attrib["x"]) > float(bars[1].attrib["x"]) * 4


def test_the_few_who_have_many_are_seen_beside_the_many_who_have_few() -> None:
    told = texts(plots(NOW))
    assert "1 9 2 to 3 2 4 to 7 0 8 to 15 1" in told
    assert "view &lt;b&gt; 100 buy 10" in told


def test_a_set_stands_beside_the_last_one() -> None:
    html = plots(NOW, LAST)
    assert "the line is the set before" in html
    assert html.count("<polyline") == 1
    told = texts(html)
    assert "interactions 110 100 +10.0%" in told
    assert "users 12 10 +20.0%" in told
    assert "items without 3 0 " in told
    assert "This set beside the last" in told


def test_every_plot_is_well_formed_and_has_a_table() -> None:
    html = plots(NOW, LAST)
    assert html.count("<svg") == html.count("as a table") == 4
    ET.fromstring(f"<div>{html}</div>")
