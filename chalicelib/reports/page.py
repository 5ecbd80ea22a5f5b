"""The run report as a page: one file, no script, nothing loaded.

Every chart stands beside a table with the same figures, and meaning never hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from chalicelib import costs
from chalicelib.documents import (
    CostLine,
    Decision,
    Finding,
    RunReport,
    SetReport,
    SolutionReport,
    Stage,
)
from chalicelib.reports.elements import chart, details, table
from chalicelib.reports.plots import activity_plots
from chalicelib.reports.text import headline
from chalicelib.vocabulary.metrics import personalize_name

SIDES = ("candidate", "live", "popularity")


def page(report: RunReport) -> str:
    """The whole page as HTML text."""
    sections = [
        _banner(report),
        *(_solution(solution) for solution in report.solutions),
        _stages(report.stages),
        _data(report.data),
        _cost(report.cost),
        f"<h2>Next</h2><pre>{escape(report.next_command)}</pre>",
    ]
    title = escape(f"{report.group} {report.run}: {headline(report)}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title>"
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main>{''.join(sections)}</main></body></html>"
    )


def _banner(report: RunReport) -> str:
    promoted = any(solution.result == "promoted" for solution in report.solutions)
    kind = "bad" if report.status == "failed" else "good" if promoted else "kept"
    return (
        f'<header class="{kind}">'
        f"<h1>{escape(report.group)}: {escape(headline(report))}</h1>"
        f"<p>{escape(report.reason)}</p>"
        f"<p>Run <code>{escape(report.run)}</code>, "
        f"{escape(report.started)} to {escape(report.ended)}</p></header>"
    )


def _solution(solution: SolutionReport) -> str:
    parts = [f"<h2>{escape(solution.solution)}: {escape(solution.result)}</h2>"]
    if solution.failure:
        parts.append(f'<p class="bad">{escape(solution.failure)}</p>')
    if decision := solution.decision:
        parts += [f"<p>{escape(reason)}</p>" for reason in decision.reasons]
        parts.append(_versions(decision))
        parts += _metrics(decision.metrics, decision.metric, decision.users)
        parts += _own_metrics(decision.own_metrics)
    return "<section>" + "".join(parts) + "</section>"


def _versions(decision: Decision) -> str:
    live = f", live <code>{escape(decision.live)}</code>" if decision.live else ""
    return f"<p>Candidate <code>{escape(decision.candidate)}</code>{live}</p>"


def _metrics(
    metrics: Mapping[str, Mapping[str, float]], decisive: str, users: int
) -> Sequence[str]:
    """All metrics by side as a table, the decisive one as bars too."""
    sides = [side for side in SIDES if side in metrics]
    if not sides:
        return ()
    rows = [[name, *(_number(metrics[side][name]) for side in sides)] for name in metrics[sides[0]]]
    caption = f"Metrics of {users} withheld users"
    bars = {side: metrics[side][decisive] for side in sides}
    return table(caption, ["metric", *sides], rows), _bars(decisive, bars)


def _own_metrics(own: Mapping[str, float]) -> Sequence[str]:
    if not own:
        return ()
    rows = [[personalize_name(name), _number(value)] for name, value in sorted(own.items())]
    own_table = table("Offline metrics of the version", ["metric", "value"], rows)
    return (details("Personalize's own metrics (shown, not decisive)", own_table),)


def _bars(metric: str, values: Mapping[str, float]) -> str:
    top = max([*values.values(), 1e-9])
    rows = [(side, f"{value:.4f}", 0.0, value / top) for side, value in values.items()]
    return chart(f"{metric} by side", rows)


def _stages(stages: Sequence[Stage]) -> str:
    if not stages:
        return ""
    first = min(stage.started for stage in stages)
    last = max(stage.ended or stage.started for stage in stages)
    span = max(last - first, 1e-9)
    bars = [
        (
            stage_label(stage),
            f"{stage.seconds:.1f} s",
            (stage.started - first) / span,
            stage.seconds / span,
        )
        for stage in stages
    ]
    rows = [
        [
            stage_label(stage),
            f"{stage.started - first:.1f}",
            f"{stage.seconds:.1f}",
            str(stage.times),
            str(stage.failures),
        ]
        for stage in stages
    ]
    heads = ["state", "began, s", "took, s", "entered", "failed or polled"]
    as_table = details("as a table", table("States of the run", heads, rows))
    bars_chart = chart("States over time", bars)
    return f"<section><h2>Where the time went</h2>{bars_chart}{as_table}</section>"


def stage_label(stage: Stage) -> str:
    """`Train: for-you`; outside a Map the state's name alone."""
    return f"{stage.name}: {stage.of}" if stage.of else stage.name


def _data(data: SetReport | None) -> str:
    if data is None:
        return ""
    datasets = [
        [d.dataset, str(d.files), f"{d.rows:,}", f"{d.kept:,}", f"{d.rows - d.kept:,}"]
        for d in data.datasets
    ]
    meter = [
        [r.name, f"{r.have:,}", f"{r.minimum:,}", f"{r.recommended:,}"] for r in data.requirements
    ]
    findings = [[f.severity, _with_samples(f), _share(f), f.action] for f in data.findings]
    parts = [
        f"<h2>Data: can it train? {escape(data.verdict)}</h2>",
        table("Rows", ["dataset", "files", "rows", "kept", "dropped"], datasets),
        table("What training needs", ["what", "have", "minimum", "recommended"], meter),
    ]
    if findings:
        heads = ["severity", "finding", "rows", "what to do"]
        parts.append(f'<div class="prose">{table("Findings", heads, findings)}</div>')
    parts += activity_plots(data)
    return "<section>" + "".join(parts) + "</section>"


def _with_samples(finding: Finding) -> str:
    samples = ", ".join(finding.samples)
    return f"{finding.sentence} (for example {samples})" if samples else finding.sentence


def _share(finding: Finding) -> str:
    """Rows, and which share of all they are where that is known."""
    return f"{finding.rows:,} ({finding.share:.1%})" if finding.share else f"{finding.rows:,}"


def _cost(lines: Sequence[CostLine]) -> str:
    if not lines:
        return ""
    rows = [
        [line.what, f"{line.quantity:,.4g} {line.unit}", f"${line.dollars:.4f}"] for line in lines
    ]
    rows.append(["total", "", f"${sum(line.dollars for line in lines):.4f}"])
    caption = f"This run on Amazon Personalize, by list prices of {costs.PRICES_AS_OF}, us-east-1"
    costs_table = table(caption, ["what", "quantity", "estimate"], rows)
    return f"<section><h2>Cost on AWS</h2>{costs_table}</section>"


def _number(value: float) -> str:
    return f"{value:.4f}"


_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;margin:0}"
    "main{max-width:60rem;margin:auto;padding:1rem}"
    "header{border-left:.5rem solid #777;padding:.2rem 1rem}"
    "header.good{border-color:#2a7}header.bad{border-color:#c33}p.bad{font-weight:bold}"
    "table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:bold}"
    "th,td{border-bottom:1px solid #8884;padding:.2rem .8rem;text-align:right}"
    "th:first-child,.prose td:last-child{text-align:left}.prose td{text-align:left}"
    "svg{width:100%;height:auto}rect{fill:#47a}"
    "polyline{fill:none;stroke:currentColor;stroke-width:1.5}"
    "text{font:12px system-ui,sans-serif;fill:currentColor}pre{overflow:auto}"
)
