"""The pipeline's own functions over files on a disk: normalise each, judge the set, plan its schemas.

What a run adds to this needs a stack: what the group has imported before, and the gate's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from chalicelib.config.sections import Config
from chalicelib.documents import Activity, DatasetSummary, FileReport, Finding, Rejection, SetReport
from chalicelib.intake.manifests import ManifestFile
from chalicelib.intake.rules import rules_of
from chalicelib.normalise.errors import FileRejected, SetHeld, SetRejected
from chalicelib.normalise.export import activity, checking, comparing, ids, schemas
from chalicelib.normalise.export.findings import note_findings, row_findings
from chalicelib.normalise.export.schemas import SchemaPlan
from chalicelib.normalise.export.summaries import summarise
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import Normalised, normalise_file
from chalicelib.sources.adapter import Seen
from recdrop.checking.finding import File

INTERACTIONS = "interactions"
SHOWN = 3


@dataclass(frozen=True)
class Piece:
    """A file and what came of it: one of `done` and `rejected`."""

    file: File
    dataset: str
    done: Normalised | None = None
    rejected: Rejection | None = None


@dataclass(frozen=True)
class Judged:
    """What the pipeline says of the files.

    `refused` is why the set as a whole cannot be used. `plans` are the schemas by dataset, as the
    pipeline makes them for a group that has none; `items` and `users` count different ids of the
    interactions, exactly. `allow_partial` is the config's word on files that cannot be used.
    """

    pieces: tuple[Piece, ...]
    summaries: tuple[DatasetSummary, ...] = ()
    plans: Mapping[str, SchemaPlan] | None = None
    findings: tuple[Finding, ...] = ()
    refused: SetRejected | None = None
    users: int = 0
    items: int = 0
    allow_partial: bool = False

    @property
    def rejected(self) -> list[Rejection]:
        """The files that cannot be used."""
        return [piece.rejected for piece in self.pieces if piece.rejected]

    @property
    def reports(self) -> list[FileReport]:
        """Of the files that can."""
        return [piece.done.report for piece in self.pieces if piece.done]

    @property
    def is_usable(self) -> bool:
        """Whether the pipeline would import it: all, or what the config lets it do without."""
        return self.refused is None and (self.allow_partial or not self.rejected)

    @property
    def reason(self) -> str:
        """Why it is not; "" where it is."""
        if self.is_usable:
            return ""
        if self.rejected:
            first = self.rejected[0]
            more = f" ({len(self.rejected) - 1} more files are refused.)" * (len(self.rejected) > 1)
            return f"{first.key}: {first.reason}{more}"
        return str(self.refused or "")

    def parts(self) -> dict[str, list[Path]]:
        """The clean files by dataset."""
        return _parts(self.pieces)


def silent(done: int, files: int) -> None:
    """Tells nobody how far the reading is."""
    del done, files


def judge(
    files: Sequence[File],
    config: Config,
    scratch: Path,
    now: float,
    progress: Callable[[int, int], None] = silent,
    promised: Mapping[str, ManifestFile] | None = None,
) -> Judged:
    """Normalise and judge. Each file says its dataset; `promised` is what manifests say of files.

    `scratch` is a folder for the clean files, which stay there; `now` is epoch seconds. `progress` is
    told how many of all files are read.
    """
    rules = rules_of(config.source, Seen([file.name for file in files]))
    config, pieces = config.written_by(rules.source), []
    for index, file in enumerate(files):
        pieces.append(_normalise(file, config, scratch / f"file-{index:05}", now))
        progress(index + 1, len(files))
    return _Set(tuple(pieces), config, scratch, promised or {}).judge()


def bad_rows(file: File, config: Config, scratch: Path, now: float) -> FileReport | None:
    """The report of a file that has too many bad rows, as if any number were allowed."""
    tolerant = replace(_rules(file, config), max_bad_rows=1.0)
    try:
        return _clean(file, tolerant, scratch, now).report
    except FileRejected:
        return None


def _normalise(file: File, config: Config, folder: Path, now: float) -> Piece:
    dataset = str(file.dataset)
    try:
        return Piece(file, dataset, done=_clean(file, _rules(file, config), folder, now))
    except FileRejected as error:
        return Piece(file, dataset, rejected=Rejection(file.name, error.code, str(error)))


def _rules(file: File, config: Config) -> FileRules:
    """As the pipeline has them, but nobody's rows are set aside."""
    return replace(FileRules.from_config(config, file.folder), withhold=0.0)


def _clean(file: File, rules: FileRules, folder: Path, now: float) -> Normalised:
    folder.mkdir(parents=True, exist_ok=True)
    return normalise_file(
        file.path, folder, dataset=str(file.dataset), key=file.name, file_rules=rules, now=now
    )


def _parts(pieces: Sequence[Piece]) -> dict[str, list[Path]]:
    parts: dict[str, list[Path]] = {}
    for piece in pieces:
        if piece.done:
            parts.setdefault(piece.dataset, []).append(piece.done.part)
    return parts


@dataclass(frozen=True)
class _Set:
    """All files together, as `pipeline/check` has them."""

    pieces: tuple[Piece, ...]
    config: Config
    scratch: Path
    promised: Mapping[str, ManifestFile]

    @cached_property
    def parts(self) -> dict[str, list[Path]]:
        return _parts(self.pieces)

    @cached_property
    def reports(self) -> list[FileReport]:
        return [piece.done.report for piece in self.pieces if piece.done]

    def judge(self) -> Judged:
        """Everything that can be said, also of a set that is refused."""
        judged = Judged(self.pieces, allow_partial=self.config.source.allow_partial)
        try:
            judged = replace(judged, summaries=self._summaries())
            self._require_promised()
            verdict = self._check()
            judged = self._counted(replace(judged, summaries=verdict.datasets))
            plans = {summary.dataset: self._plan(summary) for summary in verdict.datasets}
        except SetRejected as error:
            judged = replace(judged, refused=error, findings=self._row_findings())
            return replace(self._counted(judged), plans=self._plans(judged))
        return replace(judged, plans=plans, findings=self._findings(verdict, plans))

    @property
    def _expected_rows(self) -> dict[str, int]:
        return {name: f.rows for name, f in self.promised.items() if f.rows is not None}

    def _require_promised(self) -> None:
        """All that a manifest promises, as a run waits for it.

        Raises:
            SetRejected: a file is not there, or has another size.
            SetHeld: a file has fewer rows, and the config does not allow that.
        """
        there = {piece.file.name: piece.file.path.stat().st_size for piece in self.pieces}
        wrong = [name for name in self.promised if name not in there]
        told = [f"{name} is not there" for name in wrong]
        told += [
            f"{name} has {there[name]:,} bytes; its manifest promises {file.size:,}"
            for name, file in self.promised.items()
            if name in there and file.size is not None and file.size != there[name]
        ]
        if told:
            more = f" And {len(told) - SHOWN:,} more." if len(told) > SHOWN else ""
            raise SetRejected(
                "manifest",
                f"The export is not what its manifest promises: {'; '.join(told[:SHOWN])}.{more}",
            )
        if self.config.source.allow_partial:
            return
        if cut := comparing.missing([], self.reports, self._expected_rows):
            raise SetHeld("partial", f"A run would be held: {'; '.join(cut)}.")

    def _check(self) -> SetReport:
        has_some = any(piece.dataset == INTERACTIONS for piece in self.pieces)
        return checking.check_set(
            self.reports,
            mode=rules_of(self.config.source, Seen(())).mode,
            # Items alone are fine in a group that has interactions: it is said, not refused.
            has_interactions=not has_some,
            count=lambda: activity.user_counts(self.measured[0]),
            expected_rows=self._expected_rows,
        )

    def _summaries(self) -> tuple[DatasetSummary, ...]:
        kinds = sorted({report.dataset for report in self.reports})
        return tuple(
            summarise(kind, [report for report in self.reports if report.dataset == kind])
            for kind in kinds
        )

    def _plan(self, summary: DatasetSummary) -> SchemaPlan:
        """The schema for a group that has none yet; a test compares it with the pipeline's."""
        sections = [entry for entry in self.config.dataset if entry.dataset == summary.dataset]
        return schemas.infer_schema(
            summary.dataset,
            summary.columns,
            summary.kept,
            self.config.group.domain,
            event_types=len(summary.event_types),
            categorical=[name for section in sections for name in section.categorical],
            textual=next((section.textual for section in sections if section.textual), None),
        )

    def _plans(self, judged: Judged) -> dict[str, SchemaPlan]:
        """Of a refused set: the schemas that can be made all the same."""
        plans = {}
        for summary in judged.summaries:
            try:
                plans[summary.dataset] = self._plan(summary)
            except SetRejected:
                continue
        return plans

    def _row_findings(self) -> tuple[Finding, ...]:
        """Of a refused set: what is wrong with its rows, and how they were read, which may be why."""
        found: list[Finding] = []
        for kind in self.parts:
            reports = [report for report in self.reports if report.dataset == kind]
            found += [*row_findings(kind, reports), *note_findings(kind, reports)]
        return tuple(found)

    def _findings(self, verdict: SetReport, plans: Mapping[str, SchemaPlan]) -> tuple[Finding, ...]:
        left_out = [
            Finding("info", "left-out", f"{column} of {dataset} is left out: {why}")
            for dataset, plan in plans.items()
            for column, why in plan.left_out.items()
        ]
        unknown = ids.check_ids(self.parts, self.scratch / "duckdb")
        _, odd = self.measured
        return (*verdict.findings, *odd, *unknown, *left_out)

    @cached_property
    def measured(self) -> tuple[Activity | None, tuple[Finding, ...]]:
        return activity.measure(self.parts, self.scratch / "duckdb")

    def _counted(self, judged: Judged) -> Judged:
        measured, _ = self.measured
        return replace(judged, users=measured.users, items=measured.items) if measured else judged
