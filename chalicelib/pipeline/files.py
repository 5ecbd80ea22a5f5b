"""One dropped file at a time to clean CSV: what is kept, what was sampled, what is in quarantine."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib import layout
from chalicelib.context import Context
from chalicelib.documents import (
    ExportSet,
    FileOutcome,
    NormaliseFiles,
    Rejection,
    SourceFile,
)
from chalicelib.normalise.errors import FileRejected
from chalicelib.normalise.export.fetching import fetch
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.normalise.rows.files import Normalised, normalise_file
from chalicelib.runs import Run
from chalicelib.telemetry import logger

# Up to here every user's rows go through the sample, so that no clean part is ever rewritten.
SMALL_EXPORT_BYTES = 512 * 1024 * 1024


def is_small(export: ExportSet) -> bool:
    return export.bytes <= SMALL_EXPORT_BYTES


def normalise_files(context: Context, event: NormaliseFiles) -> None:
    run = Run.of(context, event)
    first, count = event.batch.first, event.batch.count
    for index, (dataset, file) in enumerate(run.export.files()[first : first + count], first):
        with tempfile.TemporaryDirectory() as folder:
            _File(run, dataset, file, index, Path(folder)).normalise()


@dataclass(frozen=True)
class _File:
    """`index` is its place in the export; `folder` is scratch."""

    run: Run
    dataset: str
    file: SourceFile
    index: int
    folder: Path

    def normalise(self) -> None:
        """Writes what came of the file. One that cannot be used is only reported."""
        try:
            done = self._clean()
        except FileRejected as error:
            rejection = Rejection(self.file.key, error.code, str(error))
            self._quarantine(rejection)
            self._report(FileOutcome(rejected=rejection))
        else:
            self._upload(done)
            self._report(FileOutcome(report=done.report))

    def _clean(self) -> Normalised:
        context = self.run.context
        source = fetch(context.drop, self.file.key, self.folder / "source", self.file.etag)
        return normalise_file(
            source,
            self.folder,
            dataset=self.dataset,
            key=self.file.key,
            file_rules=self._rules(),
            now=context.now(),
        )

    def _rules(self) -> FileRules:
        rules = FileRules.from_config(
            self.run.config.written_by(self.run.export.source), self.file.folder
        )
        rules = replace(rules, seed=self.run.name)  # others are asked in each run
        samples_all = rules.withhold and is_small(self.run.export)
        return replace(rules, withhold=1.0) if samples_all else rules

    def _upload(self, done: Normalised) -> None:
        run, place = self.run, (self.run.group, self.run.name)
        if done.report.kept > done.report.sampled:
            part = layout.clean_part(run.group, self.dataset, run.name, self.index)
            run.work.upload(done.part, part)
        if done.sampled:
            run.work.upload(done.sampled, layout.sampled_part(*place, self.index))
        if done.quarantine:
            rows = layout.quarantined_rows(*place, self.dataset, self.index)
            run.work.upload(done.quarantine, rows)

    def _quarantine(self, rejection: Rejection) -> None:
        logger.warning("file quarantined", extra={"key": rejection.key, "code": rejection.code})
        run = self.run
        key = layout.quarantined_file(run.group, run.name, self.dataset, self.index)
        run.work.write_json(key, rejection)

    def _report(self, outcome: FileOutcome) -> None:
        key = layout.file_report(self.run.name, self.dataset, self.index)
        self.run.work.write_json(key, outcome)
