"""Waits until a drop has ended: its runs have, or it is clear that there will be none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import click

from chalicelib.documents import ExportSet
from chalicelib.intake.inbox import CORRECTION
from recdrop.cli.common import CONFIG, FINDINGS, UNREACHABLE, UNREADABLE, CliError
from recdrop.cli.exports import INCOMPLETE, Before, Exports, File, files_of
from recdrop.cli.runs import Run


@dataclass
class Drop:
    """A drop that is waited for.

    `files` are the data files by key, with their ETags; without any (a manifest alone, a config)
    every new run of the group counts as the drop's.
    """

    exports: Exports
    before: Before
    keys: tuple[str, ...]
    files: frozenset[File]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _still_since: float | None = field(default=None, init=False)

    def wait(self, seconds: float) -> list[Run]:
        """The runs that took the files, once they have ended.

        A run that took the same content before counts too: nothing runs again.

        Raises:
            CliError: the export was refused or brings nothing (FINDINGS), it waits for a
                correction (UNREADABLE), or nothing of this is clear in time (UNREACHABLE).
        """
        target = self.exports.target
        deadline, pauses = self.clock() + seconds, target.pauses()
        while (runs := target.patiently(self.look)) is None:
            if self.clock() > deadline:
                raise CliError(UNREACHABLE, self._gave_up(seconds), self._see_logs())
            self.sleep(next(pauses))
        return runs

    def look(self) -> list[Run] | None:
        """The runs once they have ended; None while something is going on."""
        sets = self.exports.sets()
        fresh = {run: export for run, export in sets.items() if run not in self.before.sets}
        mine = {run for run, export in fresh.items() if self._is_mine(export)}
        left = self.files - {file for run in mine for file in files_of(fresh[run])}
        if mine and not left:
            return self._ended(mine)
        if not self._is_settled(left):
            return None
        if mine:
            # What no run took of it is empty or not data: the run's report says which.
            return self._ended(mine)
        return self._without_a_run(left, {run: files_of(sets[run]) for run in sets})

    def _is_mine(self, export: ExportSet) -> bool:
        """Whether a new run is the drop's; a retraining is nobody's."""
        if self._is_config_alone:
            return export.complete_by == "config"
        files = files_of(export)
        return bool(files & self.files if self.files else files)

    @property
    def _is_config_alone(self) -> bool:
        return all(key.endswith(f"/{CONFIG}") for key in self.keys)

    def _ended(self, names: set[str]) -> list[Run] | None:
        runs = self.exports.runs(names)
        if runs.keys() != names or any(run.status == "RUNNING" for run in runs.values()):
            return None
        return sorted(runs.values(), key=lambda run: run.started)

    def _is_settled(self, left: frozenset[File]) -> bool:
        """Whether nothing more will happen to the files by itself."""
        queues = self.exports.queues()
        still = queues.now == 0
        if still and self._is_config_alone:
            # It is applied when no export has come with it.
            told = self.exports.reason(self.before)
            still = queues.later == 0 or bool(told and told[0] == CORRECTION)
        elif still and self.exports.waiting() & left:
            # They wait. They are looked at again, unless somebody has to correct something first.
            told = self.exports.reason(self.before)
            what = told[0] if told else ""
            still = what == CORRECTION or (what != INCOMPLETE and queues.later == 0)
        if not still:
            self._still_since = None
            return False
        now = self.clock()
        self._still_since = now if self._still_since is None else self._still_since
        return now - self._still_since >= self.exports.target.settled_seconds

    def _without_a_run(
        self, left: frozenset[File], sets: Mapping[str, set[File]]
    ) -> list[Run] | None:
        """The run that took the same content before, or the error that says why there is none."""
        told = self.exports.reason(self.before)
        why = told[1] if told else ""
        is_wrong = self._is_config_alone and told is not None and told[0] == CORRECTION
        if is_wrong or self.exports.waiting() & left:
            what = "config" if is_wrong else "export"
            raise CliError(
                UNREADABLE, f"The {what} waits for a correction: {why}", self._see_logs()
            )
        if refusal := self.exports.refusal(self.keys, self.before):
            raise CliError(FINDINGS, f"The export was refused: {refusal}")
        if self._is_config_alone:
            click.echo("No run has begun: the config changes nothing of what is there.", err=True)
            return []
        if known := find_known(left, sets):
            click.echo("Nothing runs again: this content has run before.", err=True)
            return self._ended({known})
        raise CliError(
            FINDINGS, f"Nothing of it is imported: {why or 'no run has begun'}", self._see_logs()
        )

    def _see_logs(self) -> str:
        return f"See `recdrop logs --function OnExport{self.exports.target.option}`."

    def _gave_up(self, seconds: float) -> str:
        told = self.exports.reason(self.before)
        why = f", {told[0]}: {told[1]}" if told else ""
        return f"Gave up: no run of this export has begun and ended in {seconds:.0f} s{why}."


def find_known(files: frozenset[File], sets: Mapping[str, set[File]]) -> str | None:
    """The newest run whose export set has the content of the files, under whatever names."""
    wanted = {etag for _, etag in files}
    holding = [run for run, taken in sets.items() if wanted <= {etag for _, etag in taken}]
    return holding[-1] if wanted and holding else None
