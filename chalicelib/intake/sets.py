"""When is an export complete, and what belongs to it? Facts in, one decision out.

The caller keeps the facts (ledger, bucket) and the clock; `decide` may be called any number of times
with the same answer. Times are epoch seconds, sizes bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.documents import ExportSet, Mode, SourceFile
from chalicelib.intake import selection
from chalicelib.intake.commits import Commit
from chalicelib.intake.keys import Arrival
from chalicelib.intake.manifests import Manifest, ManifestFile
from chalicelib.intake.rules import Rules
from chalicelib.intake.selection import Selection
from chalicelib.sources import delta, hadoop, registry

INTERACTIONS = "interactions"
LOOK_SECONDS = 900  # how often it is looked whether a group has its interactions now
MAX_DIFFERENCES = 3  # of an unfulfilled manifest or commit, told by name
CONTROLS = ("marker", "commit", "started")  # roles of what tools write beside their parts
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Facts:
    """All that is known of a group's objects that belong to no run yet.

    `arrivals` by key, those that a manifest lists among them, heard of or not; `manifests` that are
    open; `commits` that hold. Before a group `has_interactions`, whatever else arrives is kept until
    they come: nothing could be trained. `is_listed`: what lies beside the arrivals was looked up, and
    belongs to them. `again` is the run that has taken some of it before, "" for none.
    """

    group: str
    arrivals: Mapping[str, Arrival]
    manifests: Sequence[Manifest] = ()
    commits: Sequence[Commit] = ()
    has_interactions: bool = True
    is_listed: bool = False
    again: str = ""

    def of_roles(self, *roles: str) -> list[Arrival]:
        return [found for found in self.arrivals.values() if found.role in roles]


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
class Unlisted:
    """What lies in `folders` has to be looked up first: that events have come says little."""

    folders: frozenset[str]


@dataclass(frozen=True)
class Ignored:
    """Nothing here to import; `keys` are the objects that will never be part of an export.

    `is_mistake`: somebody meant one to be, and put it where it is not looked for.
    """

    why: str
    keys: frozenset[str]
    is_mistake: bool = False


@dataclass(frozen=True)
class Rejected:
    """This export will not become complete; `keys` are the objects that belong to it."""

    reason: str
    keys: frozenset[str]


Decision = Complete | Waiting | Unlisted | Ignored | Rejected


def decide(
    facts: Facts, rules: Rules, now: float, *, quiet_seconds: float, deadline_seconds: float
) -> Decision:
    """What to do with the objects of a group.

    `quiet_seconds`: how long nothing may arrive before files alone are an export, unless the config
    says otherwise. `deadline_seconds`: how long a manifest or a marker is waited for.
    """
    case = _Case(facts, rules, now, deadline_seconds)
    selected = selection.select(facts.arrivals.values(), facts.commits)
    rule = rules.complete
    if facts.manifests and rule in ("auto", "manifest"):
        # One export at a time, in the order in which they were finished.
        oldest = min(facts.manifests, key=case.turn_of)
        return _by_manifest(case, selected, oldest)
    controls = facts.of_roles(*CONTROLS) if rule in ("auto", "marker") else []
    folders = case.roots(selected) | {_folder_of(control) for control in controls}
    if controls and not facts.is_listed:
        return Unlisted(folders)
    if not selected.kept:
        why = _why_nothing(facts.group, selected.ignored)
        return Ignored(why, case.hopeless, any(a.is_mistake for a in facts.arrivals.values()))
    if rules.mode == "FULL":
        selected = selection.newest_unload(selected)
    if rule == "manifest":
        return case.wait_for("a manifest.json that lists the files", selected.kept)
    if rule == "each-file":
        first = min(selected.kept, key=case.turn_of)
        return case.complete([first], "each-file", selected.ignored)
    if not facts.is_listed and (rule == "marker" or not case.is_young(selected, quiet_seconds)):
        return Unlisted(folders)
    if wanting := _unfinished(case):
        return case.wait_for(wanting, selected.kept)
    if rule == "marker" or (rule == "auto" and not _unmarked(case, selected)):
        return _by_marker(case, selected)
    return _by_quiet(case, selected, quiet_seconds)


@dataclass(frozen=True)
class _Case:
    """What every rule needs to come to its decision."""

    facts: Facts
    rules: Rules
    now: float
    deadline_seconds: float

    def roots(self, selected: Selection) -> frozenset[str]:
        """The folders of the exports that the files are parts of."""
        return frozenset(file.root for file in selected.kept)

    def quiet(self, otherwise: float) -> float:
        """The seconds of `quiet:5m`; of a rule that names none, what the settings say."""
        match = re.fullmatch(r"quiet:(\d+)([smh])", self.rules.complete)
        return int(match[1]) * _SECONDS[match[2]] if match else otherwise

    def is_young(self, selected: Selection, quiet_seconds: float) -> bool:
        return self.now < _newest(selected.kept) + self.quiet(quiet_seconds)

    def turn_of(self, found: Arrival | Manifest) -> tuple[bool, float, str]:
        """Oldest first; but what has to wait for interactions lets them pass."""
        return self.must_wait(found.datasets), found.arrived, found.key

    def must_wait(self, datasets: Collection[str]) -> bool:
        return not self.facts.has_interactions and INTERACTIONS not in datasets

    @property
    def hopeless(self) -> frozenset[str]:
        """What can never become part of an export: ignored objects, manifests without a file."""
        ignored = {key for key, found in self.facts.arrivals.items() if found.role == "ignored"}
        return frozenset(ignored | {found.key for found in self.facts.manifests if not found.files})

    def complete(
        self, files: Iterable[Arrival], complete_by: str, ignored: Mapping[str, str]
    ) -> Complete | Waiting:
        datasets: dict[str, tuple[SourceFile, ...]] = {}
        for file in files:
            dataset = str(file.dataset)
            datasets[dataset] = (*datasets.get(dataset, ()), _source_file(file))
        return self.complete_with(datasets, self.rules.mode, complete_by, ignored)

    def complete_with(
        self,
        datasets: Mapping[str, tuple[SourceFile, ...]],
        mode: Mode,
        complete_by: str,
        ignored: Mapping[str, str],
    ) -> Complete | Waiting:
        if self.must_wait(datasets):
            what = " and ".join(datasets)
            why = f"{what} wait for interactions, of which group {self.facts.group!r} has none yet"
            return Waiting(self.now + LOOK_SECONDS, why)
        group, arrivals = self.facts.group, self.facts.arrivals
        export = ExportSet(
            group=group,
            datasets=datasets,
            mode=mode,
            complete_by=complete_by,
            source=self.rules.source,
            recognised=self.rules.recognised,
            again=self.facts.again,
        )
        control = {key for key, found in arrivals.items() if found.role in CONTROLS}
        files = {file.key for _, file in export.files()}
        return Complete(export, ignored, frozenset(files | control | set(ignored) | {complete_by}))

    def wait_for(self, what: str, files: Sequence[Arrival]) -> Waiting | Rejected:
        """For what should follow the newest of `files`, until the deadline."""
        until = _newest(files) + self.deadline_seconds
        if self.now < until:
            return Waiting(until, f"waiting for {what}")
        # Its controls go with it: they would be taken for those of the next export.
        control = {found.key for found in self.facts.of_roles(*CONTROLS)}
        return Rejected(
            f"no {what} came within {self.deadline_seconds:.0f} s of the newest file",
            frozenset(control | {file.key for file in files}),
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
    mode = manifest.mode or case.rules.mode
    return case.complete_with(datasets, mode, manifest.key, selected.ignored)


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
    why = f"manifest {manifest.key!r} is not fulfilled: {_some(differences)}"
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
    if unmarked := _unmarked(case, selected):
        return case.wait_for(f"{hadoop.MARKER} in {unmarked[0]!r}", selected.kept)
    return case.complete(selected.kept, "marker", selected.ignored)


def _unmarked(case: _Case, selected: Selection) -> list[str]:
    """The folders with a file that no marker as young as it, and no commit, says to be finished."""
    markers = case.facts.of_roles("marker")
    # A table's log goes on: each of its entries makes a table, and the next may be on its way.
    tells = [
        one for one in case.facts.commits if case.rules.complete == "marker" or not one.is_table
    ]
    committed = {key for commit in tells for key in commit.added}
    return sorted(
        {
            file.directory
            for file in selected.kept
            if file.key not in committed
            and not any(
                file.directory.startswith(marker.directory) and file.written <= marker.written
                for marker in markers
            )
        }
    )


def _unfinished(case: _Case) -> str:
    """What a transaction that has begun still owes: its commit, or files of it; "" for nothing."""
    ended = {(a.directory, registry.committed(a.name)) for a in case.facts.of_roles("commit")}
    for found in case.facts.of_roles("started"):
        transaction = registry.started(found.name)
        if (found.directory, transaction) not in ended:
            return f"_committed_{transaction} in {found.directory!r}"
    missing = sorted(
        key
        for commit in case.facts.commits
        for key in commit.added
        if key not in case.facts.arrivals
    )
    return _some([repr(key) for key in missing]) if missing else ""


def _by_quiet(case: _Case, selected: Selection, otherwise: float) -> Decision:
    newest, quiet = _newest(selected.kept), case.quiet(otherwise)
    if case.now < newest + quiet:
        age = case.now - newest
        why = f"the newest file is {age:.0f} s old; complete after {quiet:.0f} s of quiet"
        return Waiting(newest + quiet, why)
    return case.complete(selected.kept, "quiet", selected.ignored)


def _folder_of(control: Arrival) -> str:
    """The folder that a marker, a commit or the log of a table is about."""
    return delta.table(control.key) if delta.is_log(control.key) else control.root


# -- small things ----------------------------------------------------------------------------------


def _newest(files: Iterable[Arrival]) -> float:
    return max(file.arrived for file in files)


def _some(differences: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(differences) - MAX_DIFFERENCES
    text = "; ".join(differences[:MAX_DIFFERENCES])
    return f"{text} and {more} more" if more > 0 else text


def _source_file(file: Arrival, rows: int | None = None) -> SourceFile:
    return SourceFile(file.key, file.size, file.record.etag, rows, file.folder)


def _why_nothing(group: str, ignored: Mapping[str, str]) -> str:
    if not ignored:
        return f"group {group!r} has no new file"
    key, reason = next(iter(ignored.items()))
    more = f" (and {len(ignored) - 1} more)" if len(ignored) > 1 else ""
    return f"{key!r} is not imported: {reason}{more}"
