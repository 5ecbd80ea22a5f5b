"""What a checkup found, in words for a terminal and as a document for a program."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from chalicelib.documents import DatasetSummary, Finding
from recdrop.checking.checkup import Checkup
from recdrop.checking.finding import File
from recdrop.checking.judging import INTERACTIONS
from recdrop.checking.noticing import notice

WIDTH = 110  # characters
_INDENT = " " * 16
SHOWN_FILES = 5
SHOWN_SAMPLES = 3
_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
# What the report of a run says of rows, and what to do about them before there is a run.
_ACTIONS = {
    "rows were dropped": "mend them, or do without them; `recdrop fix` lists them",
    "values were repaired": "",
}
_ACTIONS_BY_CODE = {
    "duplicate": "nothing, or `keep_duplicates = true` if each copy is an event of its own",
    "event-type": "nothing: the config asks for it",
    "no-item-event": "nothing: a log of calls has many such",
}


def verdict(checkup: Checkup) -> str:
    """The first line: can it be used?"""
    if not checkup.is_usable:
        return f"This export cannot be used: {checkup.reason}"
    if checkup.needs_config:
        return "This export can be used with the recdrop.toml below. It cannot be used without it."
    if all(summary.dataset != INTERACTIONS for summary in checkup.judged.summaries):
        return "This export can be used once the group has interactions: there are none in it."
    return "This export can be used."


def findings(checkup: Checkup) -> list[Finding]:
    """The worst first; files that cannot be used before all."""
    refused = [
        Finding(
            "error",
            rejection.code,
            f"{rejection.key} cannot be used: {rejection.reason}",
            action="mend it, or leave it out",
        )
        for rejection in (*checkup.unreadable, *checkup.judged.rejected)
    ]
    if checkup.judged.refused and checkup.files and not refused:
        refused.append(Finding("error", checkup.judged.refused.code, str(checkup.judged.refused)))
    order = list(_COLOURS)
    others = [*checkup.judged.findings, *notice(checkup)]
    return [*refused, *sorted(others, key=lambda f: order.index(f.severity))]


def untold(checkup: Checkup) -> list[Finding]:
    """The findings without the one that the verdict says already."""
    found = findings(checkup)
    is_said = bool(found) and found[0].severity == "error" and not checkup.is_usable
    return found[1:] if is_said else found


def text(checkup: Checkup, path: str, config: str = "recdrop.toml") -> str:
    """All of it, for the export at `path`, read by the file `config` if by any.

    Colours are in it; who prints to a file takes them out.
    """
    colour = "green" if checkup.is_usable else "red"
    lines = [click.style(verdict(checkup), fg=colour, bold=True)]
    lines += _block("What was found", _found(untold(checkup)))
    lines += _block("What was understood", _understood(checkup))
    lines += _block("What was left out", _ignored(checkup))
    if not checkup.is_given or not checkup.is_usable:
        lines += _suggested(checkup)
    lines += _block("Next", _next(checkup, path, config))
    return "\n".join(lines)


def _suggested(checkup: Checkup) -> list[str]:
    if checkup.suggestion.says_nothing:
        return ["", "It needs no recdrop.toml."] if checkup.is_usable else []
    about = "" if checkup.is_usable else " (not enough yet)"
    return ["", f"A recdrop.toml for it{about}:", "", checkup.suggestion.text().rstrip("\n")]


def _next(checkup: Checkup, path: str, config: str) -> Iterator[str]:
    if not checkup.is_usable:
        return
    has_config = checkup.needs_config or checkup.is_given
    if checkup.needs_config:
        yield f"  save what stands above as {config}, and then:"
    option = f" --config {config}" if has_config else ""
    yield f"  recdrop fix {path}{option} -o clean    # what would be imported"
    if has_config:
        yield f"  recdrop drop {config} --group GROUP"
    loose = [file for file in checkup.files if file.is_loose]
    # What is trained on comes first.
    loose.sort(key=lambda file: (file.dataset != INTERACTIONS, file.name))
    for file in loose[:SHOWN_FILES]:
        yield f"  {_drop(path, file)}"
    if (more := len(loose) - SHOWN_FILES) > 0:
        yield f"  ... and {more:,} more files in the same way"


def _drop(path: str, file: File) -> str:
    """The command that puts a loose file where a drop bucket looks for it."""
    if not path.startswith("s3://"):
        return f"recdrop drop {file.path} --group GROUP --dataset {file.folder}"
    place = path if path.endswith(f"/{file.name}") else f"{path.rstrip('/')}/{file.name}"
    return f"aws s3 cp {place} s3://DROP-BUCKET/GROUP/{file.folder}/"


def _block(title: str, lines: Iterator[str]) -> list[str]:
    told = list(lines)
    return ["", f"{title}:", *told] if told else []


def _found(found: Sequence[Finding]) -> Iterator[str]:
    for finding in found:
        severity = click.style(f"{finding.severity:<8}", fg=_COLOURS[finding.severity])
        yield f"  {severity} {finding.sentence}"
        if finding.samples:
            yield f"           {', '.join(finding.samples[:SHOWN_SAMPLES])}"
        if action := _action(finding):
            yield f"           to do: {action}"


def _action(finding: Finding) -> str:
    if finding.code == "duplicate" and "repeat" in finding.sentence:
        return "nothing, if a later row is a newer one"
    known = _ACTIONS_BY_CODE.get(finding.code)
    return known or _ACTIONS.get(finding.action, finding.action)


def _understood(checkup: Checkup) -> Iterator[str]:
    adapter = checkup.recognised.adapter
    by = f" ({adapter.writer})" if adapter.signs else ""
    yield f"  source        {adapter.name}{by}: {checkup.recognised.why}"
    if adapter.advice:
        yield from _wrapped(adapter.advice)
    for summary in checkup.judged.summaries:
        files = f"{summary.files:,} {'file' if summary.files == 1 else 'files'}"
        yield (
            f"  {summary.dataset:<13} {files}, {summary.rows:,} rows, {summary.kept:,} of them used"
        )
        for line in _details(checkup, summary):
            yield from _wrapped(line)


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=_INDENT,
        subsequent_indent=f"{_INDENT}  ",
        break_long_words=False,
    )


def _details(checkup: Checkup, summary: DatasetSummary) -> Iterator[str]:
    judged = checkup.judged
    if summary.dataset == INTERACTIONS:
        yield f"{judged.users:,} users, {judged.items:,} items"
    if summary.first_timestamp is not None and summary.last_timestamp is not None:
        yield f"from {_day(summary.first_timestamp)} to {_day(summary.last_timestamp)} (UTC)"
    if events := summary.event_types:
        yield "events: " + ", ".join(f"{name} {rows:,}" for name, rows in list(events.items())[:10])
    mine = [file.name for file in checkup.files if file.dataset == summary.dataset]
    written = {checkup.looks[name].written for name in mine if name in checkup.looks}
    yield f"written as {' and '.join(sorted(written))}"
    yield f"columns: {', '.join(_columns(checkup, summary))}"


def _columns(checkup: Checkup, summary: DatasetSummary) -> Iterator[str]:
    """Each column with its type in the schema, and what it is called in the file."""
    fields = _fields(checkup, summary.dataset)
    for column in summary.columns:
        if column.name in fields:
            renamed = f" from {column.source!r}" if column.source != column.name else ""
            yield f"{column.name} ({fields[column.name]}){renamed}"


def _fields(checkup: Checkup, dataset: str) -> dict[str, str]:
    plan = (checkup.judged.plans or {}).get(dataset)
    return {f["name"]: _type(f) for f in json.loads(plan.schema)["fields"]} if plan else {}


def _type(field: dict[str, Any]) -> str:
    kind = field["type"] if isinstance(field["type"], str) else field["type"][-1]
    if field.get("textual"):
        return "text"
    return "category" if field.get("categorical") else str(kind)


def _ignored(checkup: Checkup) -> Iterator[str]:
    told = {rejection.key for rejection in checkup.unreadable}
    ignored = {name: reason for name, reason in checkup.ignored.items() if name not in told}
    for name, reason in list(ignored.items())[:SHOWN_FILES]:
        yield f"  {name}: {reason}"
    if (more := len(ignored) - SHOWN_FILES) > 0:
        yield f"  ... and {more:,} more files; --json lists all of them"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


# -- for programs ----------------------------------------------------------------------------------


def document(checkup: Checkup) -> dict[str, Any]:
    """The same as JSON. `config` is what is suggested, `schemas` what the pipeline would make."""
    adapter, judged = checkup.recognised.adapter, checkup.judged
    return {
        "usable": checkup.is_usable and not checkup.needs_config,
        "usable_with_config": checkup.is_usable,
        "verdict": verdict(checkup),
        "findings": [_finding(finding) for finding in findings(checkup)],
        "source": {
            "kind": adapter.name,
            "why": checkup.recognised.why,
            "data": adapter.data,
            "advice": adapter.advice,
        },
        "datasets": [_dataset(checkup, summary) for summary in judged.summaries],
        "left_out": dict(checkup.ignored),
        "schemas": {name: json.loads(p.schema) for name, p in (judged.plans or {}).items()},
        "config": checkup.suggestion.text(),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "code": finding.code,
        "sentence": finding.sentence,
        "rows": finding.rows,
        "samples": list(finding.samples),
        "action": _action(finding),
    }


def _dataset(checkup: Checkup, summary: DatasetSummary) -> dict[str, Any]:
    is_interactions = summary.dataset == INTERACTIONS
    mine = [file for file in checkup.files if file.dataset == summary.dataset]
    looks = [checkup.looks[file.name] for file in mine if file.name in checkup.looks]
    return {
        "dataset": summary.dataset,
        "files": summary.files,
        "rows": summary.rows,
        "used": summary.kept,
        "users": checkup.judged.users if is_interactions else None,
        "items": checkup.judged.items if is_interactions else None,
        "first_timestamp": summary.first_timestamp,
        "last_timestamp": summary.last_timestamp,
        "event_types": summary.event_types,
        "written_as": sorted({look.written for look in looks}),
        "columns": {column.name: column.source for column in summary.columns},
    }
