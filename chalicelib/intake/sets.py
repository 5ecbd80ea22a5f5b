"""When is an export complete, and what belongs to it? Facts in, one decision out.

The caller keeps the facts (ledger, bucket) and the clock; `decide` may be called any number of times
with the same answer. Times are epoch seconds, sizes bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.config.sections import Source
from chalicelib.documents import ExportSet, Mode, SourceFile
from chalicelib.intake import selection
from chalicelib.intake.keys import Arrival
from chalicelib.intake.manifests import Manifest, ManifestFile
from chalicelib.intake.selection import Selection
from chalicelib.sources import hadoop

MAX_DIFFERENCES = 3  # of an unfulfilled manifest, told by name
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Facts:
    """All that is known of a group's objects that belong to no run yet.

    `arrivals` by key, those that a manifest lists among them, heard of or not; `manifests` that are
    open; `commits` are the added keys of each Databricks commit file, by its key.
    """

    group: str
    arrivals: Mapping[str, Arrival]
    manifests: Sequence[Manifest] = ()
    commits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Complete:
    """Start a run. `ignored` maps a key that is left out to the reason.

    `keys` are all the objects that are done with then: files, control files, ignored ones.
    """

    export: ExportSet
    ignored: Mapping[str, str]
    keys: frozenset[str]


@dataclass(frozen=True)
class Waiting:
    """Look again at `until` (epoch seconds) or when something arrives."""

    until: float
    why: str


@dataclass(frozen=True)
class Ignored:
    """Nothing here to import; `keys` are the objects that will never be part of an export.

    `tell`: somebody meant one of them as data.
    """

    why: str
    keys: frozenset[str]
    tell: bool = False


@dataclass(frozen=True)
class Rejected:
    """This export will not become complete; `keys` are the objects that belong to it."""

    reason: str
    keys: frozenset[str]


Decision = Complete | Waiting | Ignored | Rejected


def decide(
    facts: Facts, source: Source, now: float, *, quiet_seconds: float, deadline_seconds: float
) -> Decision:
    """What to do with the objects of a group.

    `quiet_seconds`: how long nothing may arrive before files alone are an export, unless the config
    says otherwise. `deadline_seconds`: how long a manifest or a marker is waited for.
    """
    mode: Mode = "INCREMENTAL" if source.appends else "FULL"
    case = _Case(facts, mode, now, deadline_seconds)
    selected = selection.select(facts.arrivals.values(), facts.commits)
    rule = source.complete
    if facts.manifests and rule in ("auto", "manifest"):
        # One export at a time, in the order in which they were finished.
        oldest = min(facts.manifests, key=lambda manifest: (manifest.arrived, manifest.key))
        return _by_manifest(case, selected, oldest)
    if not selected.kept:
        return _by_nothing(case, selected, _quiet_seconds(rule, quiet_seconds), rule)
    if mode == "FULL":
        selected = selection.newest_unload(selected)
    if rule == "manifest":
        return case.wait_for("a manifest.json that lists the files", selected.kept)
    if rule == "each-file":
        first = min(selected.kept, key=lambda arrival: (arrival.arrived, arrival.key))
        return case.complete([first], "each-file", selected.ignored)
    if absent := _uncopied(facts):
        return case.wait_for(f"{absent[0]!r}, which its commit lists", selected.kept)
    if rule == "marker":
        return _by_marker(case, selected)
    return _by_quiet(case, selected, _quiet_seconds(rule, quiet_seconds))


@dataclass(frozen=True)
class _Case:
    """What every rule needs to come to its decision."""

    facts: Facts
    mode: Mode
    now: float
    deadline_seconds: float

    @property
    def hopeless(self) -> frozenset[str]:
        """What can never become part of an export: ignored objects, manifests without a file."""
        ignored = {key for key, found in self.facts.arrivals.items() if found.role == "ignored"}
        return frozenset(ignored | {found.key for found in self.facts.manifests if not found.files})

    def complete(
        self, files: Iterable[Arrival], complete_by: str, ignored: Mapping[str, str]
    ) -> Complete:
        datasets: dict[str, tuple[SourceFile, ...]] = {}
        for file in files:
            dataset = str(file.dataset)
            datasets[dataset] = (*datasets.get(dataset, ()), _source_file(file))
        return self.complete_with(datasets, self.mode, complete_by, ignored)

    def complete_with(
        self,
        datasets: Mapping[str, tuple[SourceFile, ...]],
        mode: Mode,
        complete_by: str,
        ignored: Mapping[str, str],
    ) -> Complete:
        group, arrivals = self.facts.group, self.facts.arrivals
        export = ExportSet(group=group, datasets=datasets, mode=mode, complete_by=complete_by)
        control = {key for key, found in arrivals.items() if found.role in ("marker", "commit")}
        files = {file.key for _, file in export.files()}
        return Complete(export, ignored, frozenset(files | control | set(ignored) | {complete_by}))

    def wait_for(self, what: str, files: Sequence[Arrival]) -> Waiting | Rejected:
        """For what should follow the newest of `files`, until the deadline."""
        until = _newest(files) + self.deadline_seconds
        if self.now < until:
            return Waiting(until, f"waiting for {what}")
        return Rejected(
            f"no {what} came within {self.deadline_seconds:.0f} s of the newest file",
            frozenset(file.key for file in files),
        )


# -- by manifest -----------------------------------------------------------------------------------


def _by_manifest(case: _Case, selected: Selection, manifest: Manifest) -> Decision:
    """The listed files are the export, whatever else lies there: a manifest is the tool's own word."""
    arrivals = case.facts.arrivals
    if not manifest.files:
        why = f"manifest {manifest.key!r} lists no file: the export had no rows"
        return Ignored(why, case.hopeless)
    if differences := _differences(manifest, arrivals):
        return _wait_for_files(case, manifest, differences)
    datasets = _filled(manifest, arrivals)
    if not datasets:
        # Done with, as one without a file: kept, it would stand before every later manifest.
        why = f"manifest {manifest.key!r} lists empty files only"
        return Ignored(why, case.hopeless | {manifest.key})
    return case.complete_with(datasets, manifest.mode or case.mode, manifest.key, selected.ignored)


def _differences(manifest: Manifest, arrivals: Mapping[str, Arrival]) -> list[str]:
    """How the listed files differ from what lies there; none: the manifest is fulfilled."""
    found = [_difference(file, arrivals.get(file.key)) for file in manifest.files]
    return [difference for difference in found if difference]


def _difference(file: ManifestFile, arrival: Arrival | None) -> str:
    if arrival is None:
        return f"{file.key!r} is missing"
    if file.size is not None and file.size != arrival.size:
        return f"{file.key!r} has {arrival.size} bytes, expected {file.size}"
    return ""


def _wait_for_files(case: _Case, manifest: Manifest, differences: list[str]) -> Waiting | Rejected:
    """Files may arrive after their manifest, but not long after."""
    why = f"manifest {manifest.key!r} is not fulfilled: {'; '.join(differences[:MAX_DIFFERENCES])}"
    if len(differences) > MAX_DIFFERENCES:
        why += f" and {len(differences) - MAX_DIFFERENCES} more"
    until = manifest.arrived + case.deadline_seconds
    if case.now < until:
        return Waiting(until, why)
    there = {file.key for file in manifest.files if file.key in case.facts.arrivals}
    return Rejected(why, frozenset(there | {manifest.key}))


def _filled(
    manifest: Manifest, arrivals: Mapping[str, Arrival]
) -> dict[str, tuple[SourceFile, ...]]:
    """The listed files that are not empty, by dataset; datasets without one are left out."""
    datasets = {}
    for dataset, files in manifest.datasets.items():
        filled = [file for file in files if arrivals[file.key].size]
        if filled:
            datasets[dataset] = tuple(
                _source_file(arrivals[file.key], file.rows) for file in filled
            )
    return datasets


# -- by marker, by quiet ---------------------------------------------------------------------------


def _by_marker(case: _Case, selected: Selection) -> Decision:
    """Every folder with data needs a marker, in itself or in a folder above."""
    arrivals = case.facts.arrivals.values()
    marked = tuple(found.directory for found in arrivals if found.role in ("marker", "commit"))
    unfinished = sorted(
        {file.directory for file in selected.kept if not file.directory.startswith(marked)}
    )
    if unfinished:
        return case.wait_for(f"{hadoop.MARKER} in {unfinished[0]!r}", selected.kept)
    return case.complete(selected.kept, "marker", selected.ignored)


def _uncopied(facts: Facts) -> list[str]:
    """Files that the newest commit of a folder lists and that do not lie there."""
    newest = selection.newest_commits(facts.commits).values()
    return sorted(
        key for commit in newest for key in facts.commits[commit] if key not in facts.arrivals
    )


def _by_quiet(case: _Case, selected: Selection, quiet: float) -> Decision:
    newest = _newest(selected.kept)
    if case.now < newest + quiet:
        age = case.now - newest
        why = f"the newest file is {age:.0f} s old; complete after {quiet:.0f} s of quiet"
        return Waiting(newest + quiet, why)
    return case.complete(selected.kept, "quiet", selected.ignored)


def _by_nothing(case: _Case, selected: Selection, quiet: float, rule: str) -> Decision:
    """Nothing here is data. Somebody may have meant it so; but a manifest that comes last may yet
    list files of any folder, and the empty part of an unload may come before the others.
    """
    group, arrivals = case.facts.group, case.facts.arrivals
    meant = [arrivals[key] for key in selected.ignored if key in arrivals and arrivals[key].meant]
    if not meant or rule == "manifest":
        return Ignored(_why_nothing(group, selected.ignored), case.hopeless)
    why = _why_nothing(group, {found.key: found.reason for found in meant})
    until = _newest(meant) + quiet
    if case.now < until:
        return Waiting(until, why)
    return Ignored(why, case.hopeless, tell=True)


def _quiet_seconds(rule: str, otherwise: float) -> float:
    """The seconds of `quiet:5m`; of a rule that names none, what the settings say."""
    match = re.fullmatch(r"quiet:(\d+)([smh])", rule)
    return int(match[1]) * _SECONDS[match[2]] if match else otherwise


# -- small things ----------------------------------------------------------------------------------


def _newest(files: Iterable[Arrival]) -> float:
    return max(file.arrived for file in files)


def _source_file(file: Arrival, rows: int | None = None) -> SourceFile:
    return SourceFile(file.key, file.size, file.record.etag, rows, file.folder)


def _why_nothing(group: str, ignored: Mapping[str, str]) -> str:
    if not ignored:
        return f"group {group!r} has no new file"
    key, reason = next(iter(ignored.items()))
    more = f" (and {len(ignored) - 1} more)" if len(ignored) > 1 else ""
    return f"{key!r} is not imported: {reason}{more}"
