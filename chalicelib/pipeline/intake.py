"""From raw files to a clean, checked import folder with the gate's truth taken out."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chalicelib import documents, groupconfig, layout
from chalicelib.buckets import Bucket
from chalicelib.documents import FileReport
from chalicelib.errors import ExportRejected
from chalicelib.exports.sets import SourceFile
from chalicelib.normalise.errors import FileRejected, SetRejected
from chalicelib.normalise.export import checking, facts, ids, popular, sampling, schemas, shaping
from chalicelib.normalise.export.fetching import fetch
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import normalise_file
from chalicelib.runs import Run
from chalicelib.telemetry import logger

Event = dict[str, Any]

MAX_BATCHES = 200  # of files; seven history events each, far below the 25,000 of an execution
SMALL_EXPORT_BYTES = (
    512 * 1024 * 1024
)  # below this every user's rows go through the sample, so none is rewritten
METADATA_COLUMNS = 10  # Personalize returns no more with an answer


def take_lease(event: Event) -> dict[str, Any]:
    """Answers the fencing token, and the batches of files to normalise (none for a retraining).

    Raises LeaseHeld.
    """
    run = Run.of(event)
    token = run.ledger.take_lease(run.group, run.name)
    run.ledger.update_run(
        run.name, status="running", execution=event["execution"], started=int(time.time())
    )
    count = len(run.export.files())
    size = -(-count // MAX_BATCHES) or 1
    return {
        "token": token,
        "batches": [
            {"first": first, "count": min(size, count - first)} for first in range(0, count, size)
        ],
    }


# -- one file at a time ----------------------------------------------------------------------------


def normalise_files(event: Event) -> None:
    run, batch = Run.of(event), event["batch"]
    first = int(batch["first"])
    for index, (dataset, file) in enumerate(
        run.export.files()[first : first + int(batch["count"])], first
    ):
        with tempfile.TemporaryDirectory() as folder:
            _normalise(run, dataset, file, index, Path(folder))


def _normalise(run: Run, dataset: str, file: SourceFile, index: int, folder: Path) -> None:
    """Writes the clean part, the sampled rows, the quarantine and the report.

    A file that cannot be used is only reported.
    """
    try:
        drop = Bucket(run.s3, run.settings.drop_bucket)
        source = fetch(drop, file.key, folder / "source", file.etag)
        done = normalise_file(
            source,
            folder,
            dataset=dataset,
            key=file.key,
            file_rules=_rules(run, file),
            now=time.time(),
        )
    except FileRejected as rejected:
        logger.warning("file quarantined", extra={"key": file.key, "code": rejected.code})
        note = {"key": file.key, "code": rejected.code, "reason": str(rejected)}
        run.write_json(layout.quarantine(run.group, run.name, f"{dataset}-{index:05d}.json"), note)
        run.write_json(layout.file_report(run.name, dataset, index), {"rejected": note})
        return
    if done.report.kept > done.report.sampled:
        _upload(
            run, done.part, layout.clean(run.group, dataset, run.name) + f"part-{index:05d}.csv"
        )
    if done.sampled:
        _upload(run, done.sampled, layout.sampled(run.group, run.name) + f"sampled-{index:05d}.csv")
    if done.quarantine:
        _upload(
            run,
            done.quarantine,
            layout.quarantine(run.group, run.name, f"{dataset}-{index:05d}.jsonl"),
        )
    run.write(
        layout.file_report(run.name, dataset, index),
        documents.encode(done.report),
        "application/json",
    )


def _rules(run: Run, file: SourceFile) -> FileRules:
    rules = FileRules.from_config(run.config, file.folder)
    return replace(rules, withhold=1.0) if _is_small(run) and rules.withhold else rules


def _is_small(run: Run) -> bool:
    return sum(file.size for _, file in run.export.files()) <= SMALL_EXPORT_BYTES


def _upload(run: Run, path: Path, key: str) -> None:
    _work(run).upload(path, key)


def _work(run: Run) -> Bucket:
    return Bucket(run.s3, run.settings.work_bucket)


# -- all files together ----------------------------------------------------------------------------


def check_export(event: Event) -> None:
    """Judges the export, withholds the gate's truth, fits the files to a schema.

    Raises ExportRejected with the reasons.
    """
    run = Run.of(event)
    found, rejected = _file_reports(run)
    with tempfile.TemporaryDirectory() as folder:
        try:
            _Check(run, Path(folder), found, rejected).run_all()
        except SetRejected as error:
            reasons = [str(error), *(f"{note['key']}: {note['reason']}" for note in rejected[:5])]
            run.write_json(
                layout.quarantine(run.group, run.name, "export.json"),
                {"code": error.code, "reasons": reasons},
            )
            raise ExportRejected(" ".join(reasons)) from error


def _file_reports(run: Run) -> tuple[list[documents.FileReport], list[dict[str, str]]]:
    found, rejected = [], []
    for index, (dataset, _) in enumerate(run.export.files()):
        key = layout.file_report(run.name, dataset, index)
        body = run.read_bytes(key)
        if body.startswith(b'{"rejected"'):
            rejected.append(json.loads(body)["rejected"])
        else:
            found.append(documents.decode(body, FileReport, key))
    return found, rejected


@dataclass
class _Check:
    """`folder` is scratch; `files` are the file reports, `rejected` the notes of files in
    quarantine.
    """

    run: Run
    folder: Path
    files: list[documents.FileReport]
    rejected: list[dict[str, str]]

    def run_all(self) -> None:
        run, before = self.run, self.run.ledger.data(self.run.group)
        mode = run.export.mode
        sampled = self._fetch(layout.sampled(run.group, run.name))
        parts = {
            dataset: self._fetch(layout.clean(run.group, dataset, run.name), "part-0")
            for dataset in run.export.datasets
        }
        everything = [*sampled, *parts.get("interactions", [])]
        verdict = checking.check_set(
            self.files,
            mode=mode,
            has_interactions=before is not None,
            count=lambda: ids.count_users(everything, self.folder / "scratch"),
            expected_rows={
                file.key: file.rows for _, file in run.export.files() if file.rows is not None
            },
        )
        schema = {summary.dataset: self._schema(summary) for summary in verdict.datasets}
        findings = [_quarantined(note) for note in self.rejected]
        findings += [
            _left_out(dataset, column, why)
            for dataset, plan in schema.items()
            for column, why in plan.left_out.items()
        ]
        findings += ids.check_ids({**parts, "interactions": everything}, self.folder / "scratch")
        truth = (
            self._withhold(verdict, sampled, before) if verdict.summary("interactions") else None
        )
        if truth:
            parts["interactions"] = [
                *parts["interactions"],
                *(path for path in (truth.remainder, truth.returned) if path),
            ]
        clean = {
            dataset: [self._shape(dataset, path, schema[dataset]) for path in parts[dataset]]
            for dataset in schema
        }
        self._write(verdict, findings, schema, clean, truth)

    def _fetch(self, prefix: str, starting: str = "") -> list[Path]:
        keys = [
            key for key in self.run.keys(prefix) if key.removeprefix(prefix).startswith(starting)
        ]
        target = self.folder / prefix.replace("/", "-")
        return [_work(self.run).download(key, target / key.rsplit("/", 1)[-1]) for key in keys]

    def _withhold(
        self, verdict: documents.SetReport, sampled: list[Path], before: Any
    ) -> sampling.Withholding:
        run = self.run
        interactions = verdict.summary("interactions")
        return sampling.withhold(
            sampled,
            self.folder / "withheld",
            gate=max(
                (solution.gate for solution in run.config.solution),
                key=lambda gate: gate.withhold,
                default=groupconfig.Gate(),
            ),
            rows=interactions.kept if interactions else 0,
            users_with_two=max((report.users_with_two for report in self.files), default=0),
            live_until=self._live_until(),
            returned=self._earlier_truth(before) if run.export.mode == "INCREMENTAL" else (),
            everyone=_is_small(run),
        )

    def _live_until(self) -> int | None:
        """The newest interaction that any live version was trained on; None when nothing is live."""
        run = self.run
        serving = [run.ledger.serving(run.group, solution.name) for solution in run.config.solution]
        known = [
            run.read_optional(layout.data_report(record["run"])) for record in serving if record
        ]
        return max((int(json.loads(body)["until"]) for body in known if body), default=None)

    def _earlier_truth(self, before: Any) -> list[Path]:
        """What the run before kept back: it goes in with this import."""
        key = (before or {}).get("withheld")
        if not key or self.run.read_optional(key) is None:
            return []
        return [_work(self.run).download(key, self.folder / "earlier.csv")]

    def _schema(self, summary: documents.DatasetSummary) -> schemas.SchemaPlan:
        """The dataset's own when it has one; else inferred from the data, where the config's word
        is the last.
        """
        config, live = self.run.config, self._before().get("schemas", {}).get(summary.dataset)
        if live and config.source.schema == "keep":
            return schemas.keep_schema(live, summary.dataset, summary.columns, summary.kept)
        sections = [section for section in config.dataset if section.dataset == summary.dataset]
        return schemas.infer_schema(
            summary.dataset,
            summary.columns,
            summary.kept,
            config.group.domain,
            event_types=len(summary.event_types),
            categorical=[name for section in sections for name in section.categorical],
            textual=next((section.textual for section in sections if section.textual), None),
        )

    def _shape(self, dataset: str, path: Path, plan: schemas.SchemaPlan) -> Path:
        """The file with exactly the schema's columns, in the import folder."""
        shaped = self.folder / "shaped" / dataset / path.name
        shaped.parent.mkdir(parents=True, exist_ok=True)
        changed = shaping.shape_csv(path, shaped, plan.schema)
        if changed or not path.name.startswith("part-0"):
            _upload(
                self.run,
                shaped if changed else path,
                layout.clean(self.run.group, dataset, self.run.name) + path.name,
            )
        return shaped if changed else path

    def _write(
        self,
        verdict: documents.SetReport,
        findings: list[documents.Finding],
        schema: dict[str, schemas.SchemaPlan],
        clean: dict[str, list[Path]],
        truth: sampling.Withholding | None,
    ) -> None:
        run, interactions = self.run, verdict.summary("interactions")
        before = self._before()
        if interactions:
            best = popular.popular_items(
                clean["interactions"], clean.get("items", []), self.folder / "scratch"
            )
            _work(run).write_json(layout.popular(run.name), best)
            if any(solution.batch for solution in run.config.solution):
                run.write_json(
                    layout.users(run.name),
                    facts.all_users(clean["interactions"], self.folder / "scratch"),
                )
        last: dict[str, str] = {}
        if truth and truth.withheld:
            last = facts.last_items(clean["interactions"], truth.withheld, self.folder / "scratch")
            _upload(run, truth.withheld, layout.withheld(run.name))
        all_findings = (*findings, *verdict.findings)
        report = {
            **{name: getattr(verdict, name) for name in ("datasets", "requirements")},
            "verdict": checking.verdict(all_findings),
            "findings": all_findings,
        }
        run.write_json(
            layout.data_report(run.name),
            {
                "report": report,
                "datasets": sorted(schema),
                "schemas": {
                    **before.get("schemas", {}),
                    **{dataset: plan.schema for dataset, plan in schema.items()},
                },
                "left_out": {dataset: dict(plan.left_out) for dataset, plan in schema.items()},
                "mode": run.export.mode,
                "until": interactions.last_timestamp if interactions else before.get("until", 0),
                "interactions": interactions.kept
                if interactions
                else before.get("interactions", 0),
                "source_bytes": sum(file.size for _, file in run.export.files()),
                "withheld": {"users": truth.users, "rows": truth.rows, "note": truth.note}
                if truth
                else None,
                "last_items": last,
                "popular": layout.popular(run.name) if interactions else before["popular"],
                "metadata_columns": self._metadata(schema, before),
            },
        )

    def _before(self) -> dict[str, Any]:
        """The data report of the run whose import the datasets hold."""
        data = self.run.ledger.data(self.run.group)
        body = self.run.read_optional(layout.data_report(data["run"])) if data else None
        return dict(json.loads(body)) if body else {}

    @staticmethod
    def _metadata(schema: dict[str, schemas.SchemaPlan], before: dict[str, Any]) -> list[str]:
        if "items" not in schema:
            return list(before.get("metadata_columns", []))
        return [column for column in schema["items"].columns if column != "ITEM_ID"][
            :METADATA_COLUMNS
        ]


def _left_out(dataset: str, column: str, why: str) -> documents.Finding:
    return documents.Finding(
        "info",
        "left-out",
        f"{column} of {dataset} is left out: {why}",
        action="drop the column, or see source.schema",
    )


def _quarantined(note: dict[str, str]) -> documents.Finding:
    sentence = f"{note['key']} is in quarantine: {note['reason']}"
    return documents.Finding(
        "error",
        note["code"],
        sentence,
        action="mend the file and drop the export again",
        samples=(note["key"],),
    )
