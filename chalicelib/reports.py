"""The run report: one struct, told three ways (headline, text, page). The page is one file: no
script, nothing loaded.

Every chart stands beside a table with the same figures, and meaning never hangs on colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from chalicelib import costs

SIDES = ("candidate", "live", "popularity")
BAR_WIDTH, ROW_HEIGHT = 560, 22


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run.

    Times are ISO 8601 UTC; `stages`, `solutions`, `cost` are the records of their own modules.
    """

    run: str
    group: str
    status: str
    reason: str
    started: str
    ended: str
    stages: list[dict[str, Any]]
    solutions: list[dict[str, Any]]
    data: dict[str, Any] | None
    cost: list[dict[str, Any]]
    next_command: str


def read(body: bytes) -> Report:
    return msgspec.json.decode(body, type=Report)


def next_command(group: str, run: str, *, failed: bool, error: str) -> str:
    """What to type now."""
    if not failed:
        return "recdrop runs"
    if error == "ExportRejected":
        return f"recdrop quarantine {run}   # what was refused and why; mend the export and drop it again"
    return f"recdrop runs {group}-{run}   # the states; then drop the same export again: what is done is found, not done twice"


def headline(report: Report) -> str:
    if report.status == "failed":
        return f"run {report.run} failed"
    return (
        ", ".join(f"{s['solution']} {s['outcome']}" for s in report.solutions)
        or f"run {report.run} succeeded"
    )


def text(report: Report) -> str:
    lines = [f"Run {report.run} of {report.group}: {report.status}.", report.reason, ""]
    for solution in report.solutions:
        lines += [
            f"{solution['solution']}: {solution['outcome']}",
            *(f"  {reason}" for reason in solution.get("reasons") or ()),
        ]
        lines += [f"  {solution['failure']}"] if "failure" in solution else []
    return "\n".join([*lines, "", f"Next: {report.next_command}"])


# -- the page --------------------------------------------------------------------------------------


def page(report: Report) -> str:
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
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main>{''.join(sections)}</main></body></html>"
    )


def _banner(report: Report) -> str:
    kind = (
        "bad"
        if report.status == "failed"
        else "good"
        if any(s["outcome"] == "promoted" for s in report.solutions)
        else "kept"
    )
    return (
        f'<header class="{kind}"><h1>{escape(report.group)}: {escape(headline(report))}</h1><p>{escape(report.reason)}</p>'
        f"<p>Run <code>{escape(report.run)}</code>, {escape(report.started)} to {escape(report.ended)}</p></header>"
    )


def _solution(solution: Mapping[str, Any]) -> str:
    parts = [f"<h2>{escape(solution['solution'])}: {escape(solution['outcome'])}</h2>"]
    if "failure" in solution:
        parts.append(f'<p class="bad">{escape(solution["failure"])}</p>')
    parts += [f"<p>{escape(reason)}</p>" for reason in solution.get("reasons") or ()]
    metrics = solution.get("metrics") or {}
    sides = [side for side in SIDES if side in metrics]
    if sides:
        names = list(metrics[sides[0]])
        rows = [[name, *(_number(metrics[side][name]) for side in sides)] for name in names]
        parts.append(
            _table(f"Metrics of {solution['users']} withheld users", ["metric", *sides], rows)
        )
        parts.append(
            _bars(
                solution.get("metric", names[0]),
                {side: metrics[side][solution.get("metric", names[0])] for side in sides},
            )
        )
    if own := solution.get("own_metrics"):
        rows = [[name, _number(value)] for name, value in sorted(own.items())]
        parts.append(
            _details(
                "Personalize's own metrics (shown, not decisive)",
                _table("Offline metrics of the version", ["metric", "value"], rows),
            )
        )
    return "<section>" + "".join(parts) + "</section>"


def _bars(metric: str, values: Mapping[str, float]) -> str:
    top = max([*values.values(), 1e-9])
    rows = [(side, f"{value:.4f}", 0.0, value / top) for side, value in values.items()]
    return _chart(f"{metric} by side", rows)


def _stages(stages: Sequence[Mapping[str, Any]]) -> str:
    if not stages:
        return ""
    first = min(stage["started"] for stage in stages)
    span = max(max((stage["ended"] or stage["started"]) for stage in stages) - first, 1e-9)
    bars = [
        (
            stage["name"],
            f"{stage['seconds']:.1f} s",
            (stage["started"] - first) / span,
            stage["seconds"] / span,
        )
        for stage in stages
    ]
    rows = [
        [
            s["name"],
            f"{s['started'] - first:.1f}",
            f"{s['seconds']:.1f}",
            str(s["times"]),
            str(s["failures"]),
        ]
        for s in stages
    ]
    table = _table(
        "States of the run", ["state", "began, s", "took, s", "entered", "failed or polled"], rows
    )
    return f"<section><h2>Where the time went</h2>{_chart('States over time', bars)}{_details('as a table', table)}</section>"


def _data(data: Mapping[str, Any] | None) -> str:
    if not data:
        return ""
    parts = [f"<h2>Data: can it train? {escape(str(data.get('verdict', '')))}</h2>"]
    datasets = [
        [
            d["dataset"],
            str(d["files"]),
            f"{d['rows']:,}",
            f"{d['kept']:,}",
            f"{d['rows'] - d['kept']:,}",
        ]
        for d in data["datasets"]
    ]
    parts.append(_table("Rows", ["dataset", "files", "rows", "kept", "dropped"], datasets))
    meter = [
        [r["name"], f"{r['have']:,}", f"{r['minimum']:,}", f"{r['recommended']:,}"]
        for r in data["requirements"]
    ]
    parts.append(_table("What training needs", ["what", "have", "minimum", "recommended"], meter))
    findings = [
        [f["severity"], f["sentence"], f"{f['rows']:,}", f["action"]] for f in data["findings"]
    ]
    if findings:
        parts.append(_table("Findings", ["severity", "finding", "rows", "what to do"], findings))
    return "<section>" + "".join(parts) + "</section>"


def _cost(lines: Sequence[Mapping[str, Any]]) -> str:
    if not lines:
        return ""
    rows = [
        [line["what"], f"{line['quantity']:,.4g} {line['unit']}", f"${line['dollars']:.4f}"]
        for line in lines
    ]
    rows.append(["total", "", f"${sum(line['dollars'] for line in lines):.4f}"])
    caption = f"This run on Amazon Personalize, by list prices of {costs.PRICES_AS_OF}, us-east-1"
    return f"<section><h2>Cost on AWS</h2>{_table(caption, ['what', 'quantity', 'estimate'], rows)}</section>"


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _chart(title: str, rows: Sequence[tuple[str, str, float, float]]) -> str:
    """Horizontal bars: label, value as text, start and length as shares of the width."""
    height = ROW_HEIGHT * len(rows)
    bars = "".join(
        f'<text x="0" y="{i * ROW_HEIGHT + 15}">{escape(label)}</text>'
        f'<rect x="{220 + start * BAR_WIDTH:.1f}" y="{i * ROW_HEIGHT + 4}" width="{max(length * BAR_WIDTH, 1):.1f}" height="14">'
        f"<title>{escape(label)}: {escape(value)}</title></rect>"
        f'<text x="{226 + min(start + length, 1) * BAR_WIDTH:.1f}" y="{i * ROW_HEIGHT + 15}">{escape(value)}</text>'
        for i, (label, value, start, length) in enumerate(rows)
    )
    return f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {290 + BAR_WIDTH} {height}">{bars}</svg>'


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _number(value: float) -> str:
    return f"{value:.4f}"


_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:60rem;margin:auto;padding:1rem}"
    "header{border-left:.5rem solid #777;padding:.2rem 1rem}header.good{border-color:#2a7}header.bad{border-color:#c33}"
    "p.bad{font-weight:bold}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:bold}"
    "th,td{border-bottom:1px solid #8884;padding:.2rem .8rem;text-align:right}th:first-child,td:last-child{text-align:left}"
    "svg{width:100%;height:auto}rect{fill:#47a}text{font:12px system-ui,sans-serif;fill:currentColor}pre{overflow:auto}"
)
