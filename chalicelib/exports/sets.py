"""When is an export complete, and what belongs to it? Facts in, one decision out.

The caller keeps the facts (ledger, listings) and the clock; `decide` may be called any number of
times with the same answer. Times are epoch seconds, sizes bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.config.sections import Config
from chalicelib.documents import ExportSet, SourceFile
from chalicelib.exports import keys, manifests

DEFAULT_QUIET_SECONDS = 120.0
DEADLINE_SECONDS = 3600.0  # how long a manifest or a marker may be waited for


@dataclass(frozen=True)
class ObjectFact:
    """One object of the drop bucket that no accepted export set holds yet.

    `arrived` is when we heard of it, if not `last_modified`.
    """

    key: str
    size: int
    etag: str
    last_modified: float
    arrived: float | None = None

    @property
    def seen(self) -> float:
        return self.last_modified if self.arrived is None else max(self.arrived, self.last_modified)


@dataclass(frozen=True)
class Complete:
    """Start a run. `ignored` maps a key that is left out to the reason."""

    export: ExportSet
    ignored: Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """Look again at `until` (epoch seconds) or when something arrives."""

    until: float
    why: str


@dataclass(frozen=True)
class Ignored:
    """Nothing here to import."""

    why: str


@dataclass(frozen=True)
class Rejected:
    """This export will not become complete; `keys` are the objects that belong to it."""

    reason: str
    keys: tuple[str, ...] = ()


Decision = Complete | Waiting | Ignored | Rejected


def decide(
    group: str,
    objects: Iterable[ObjectFact],
    config: Config,
    now: float,
    *,
    manifests: Sequence[manifests.Manifest] = (),
    commits: Mapping[str, tuple[str, ...]] | None = None,
    quiet_seconds: float = DEFAULT_QUIET_SECONDS,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Decision:
    """What to do with the objects of `group` that are not part of an accepted set.

    `manifests` are the group's open manifests, `commits` the added keys of each Databricks commit
    file by its key.
    """
    mapped = {entry.name: entry.dataset for entry in config.dataset}
    facts = sorted(objects, key=lambda o: o.key)
    parsed = [(fact, keys.parse_drop_key(fact.key, mapped, fact.size)) for fact in facts]
    ignored = {fact.key: key.reason for fact, key in parsed if key.role == "ignored"}
    data = _without_twins(_committed(_data(parsed), commits or {}, ignored), ignored)
    rule = config.source.complete
    if manifests and rule in ("auto", "manifest"):
        oldest = min(manifests, key=lambda m: (m.arrived, m.key))
        return _by_manifest(
            group,
            oldest,
            {fact.key: fact for fact in facts},
            config,
            now,
            deadline_seconds,
            ignored,
        )
    if not data:
        return Ignored(_nothing(group, ignored))
    if config.source.mode == "FULL":
        data = _newest_unload(data, ignored)
    newest = max(fact.seen for fact, _ in data)
    if rule == "manifest":
        return _wait_or_reject(
            newest, now, deadline_seconds, "a manifest.json that lists the files", data
        )
    if rule == "each-file":
        first = min(data, key=lambda pair: (pair[0].seen, pair[0].key))
        return Complete(_export(group, [first], config, "each-file"), ignored)
    if rule == "marker":
        return _by_marker(group, data, parsed, config, now, deadline_seconds, ignored)
    quiet = _quiet_seconds(rule, quiet_seconds)
    if now < newest + quiet:
        return Waiting(
            newest + quiet,
            f"the newest file is {now - newest:.0f} s old; complete after {quiet:.0f} s of quiet",
        )
    return Complete(_export(group, data, config, "quiet"), ignored)


_Pair = tuple[ObjectFact, keys.DropKey]


def _data(parsed: Sequence[_Pair]) -> list[_Pair]:
    return [(fact, key) for fact, key in parsed if key.role == "data"]


def _committed(
    data: list[_Pair], commits: Mapping[str, tuple[str, ...]], ignored: dict[str, str]
) -> list[_Pair]:
    """In a folder with Databricks commits, only what the newest commit added counts."""
    newest: dict[str, str] = {}
    for commit in sorted(commits, key=lambda key: (len(key), key)):
        newest[keys.parse_drop_key(commit).directory] = commit
    kept = []
    for fact, key in data:
        commit = newest.get(key.directory, "")
        if commit and fact.key not in commits[commit]:
            ignored[fact.key] = f"the commit {commit.rsplit('/', 1)[1]} does not list it"
        else:
            kept.append((fact, key))
    return kept


def _without_twins(data: list[_Pair], ignored: dict[str, str]) -> list[_Pair]:
    """The Snowplow package writes each table as CSV and as Parquet beside it; both together would
    count every row twice.
    """
    tabular = {fact.key.rsplit(".", 1)[0] for fact, _ in data if fact.key.endswith(".csv")}
    kept = []
    for fact, key in data:
        if fact.key.endswith(".parquet") and fact.key.removesuffix(".parquet") in tabular:
            ignored[fact.key] = "the same table lies beside it as CSV"
        else:
            kept.append((fact, key))
    return kept


def _unload_id(name: str) -> str | None:
    """The query id of Snowflake's INCLUDE_QUERY_ID or the transaction id of Databricks, when the
    name has one.
    """
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    snowflake = re.search(rf"({uuid})_\d+_\d+_\d+\.", name)
    if snowflake:
        return snowflake[1]
    databricks = re.search(r"tid-(\d+)-", name)
    return databricks[1] if databricks else None


def _newest_unload(data: list[_Pair], ignored: dict[str, str]) -> list[_Pair]:
    """Two unloads in one folder hold the same rows twice: a full export is the newest of them."""
    newest: dict[str, tuple[float, str]] = {}
    for fact, key in data:
        if unload := _unload_id(key.name):
            newest[key.directory] = max(
                newest.get(key.directory, (0.0, "")), (fact.last_modified, unload)
            )
    kept = []
    for fact, key in data:
        unload = _unload_id(key.name)
        if unload and newest[key.directory][1] != unload:
            ignored[fact.key] = (
                f"it is of an older unload; the newest in its folder is {newest[key.directory][1]}"
            )
        else:
            kept.append((fact, key))
    return kept


def _by_manifest(
    group: str,
    manifest: manifests.Manifest,
    facts: Mapping[str, ObjectFact],
    config: Config,
    now: float,
    deadline_seconds: float,
    ignored: Mapping[str, str],
) -> Decision:
    listed = [file for files in manifest.datasets.values() for file in files]
    if not listed:
        return Ignored(f"manifest {manifest.key!r} lists no file: the export had no rows")
    until = manifest.arrived + deadline_seconds
    if wrong := [text for file in listed if (text := _difference(file, facts.get(file.key)))]:
        why = f"manifest {manifest.key!r} is not fulfilled: {'; '.join(wrong[:3])}"
        why += f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        if now < until:
            return Waiting(until, why)
        return Rejected(why, (*(file.key for file in listed if file.key in facts), manifest.key))
    mapped = {entry.name: entry.dataset for entry in config.dataset}
    datasets = {
        dataset: tuple(
            SourceFile(
                f.key,
                facts[f.key].size,
                facts[f.key].etag,
                f.rows,
                keys.parse_drop_key(f.key, mapped).folder,
            )
            for f in files
            if facts[f.key].size
        )
        for dataset, files in manifest.datasets.items()
    }
    datasets = {dataset: files for dataset, files in datasets.items() if files}
    if not datasets:
        return Ignored(f"manifest {manifest.key!r} lists empty files only")
    export = ExportSet(
        group=group,
        datasets=datasets,
        mode=manifest.mode or config.source.mode,  # type: ignore[arg-type]
        complete_by=manifest.key,
    )
    return Complete(export, ignored)


def _difference(file: manifests.ManifestFile, fact: ObjectFact | None) -> str:
    if fact is None:
        return f"{file.key!r} is missing"
    if file.size is not None and file.size != fact.size:
        return f"{file.key!r} has {fact.size} bytes, expected {file.size}"
    return ""


def _by_marker(
    group: str,
    data: list[_Pair],
    parsed: Sequence[_Pair],
    config: Config,
    now: float,
    deadline_seconds: float,
    ignored: Mapping[str, str],
) -> Decision:
    marked = [key.directory for _, key in parsed if key.role in ("marker", "commit")]
    open_folders = sorted(
        {key.directory for _, key in data if not key.directory.startswith(tuple(marked))}
    )
    if open_folders:
        newest = max(fact.seen for fact, _ in data)
        return _wait_or_reject(
            newest, now, deadline_seconds, f"{keys.MARKER_NAME} in {open_folders[0]!r}", data
        )
    return Complete(_export(group, data, config, "marker"), ignored)


def _wait_or_reject(
    newest: float, now: float, deadline_seconds: float, what: str, data: list[_Pair]
) -> Decision:
    if now < newest + deadline_seconds:
        return Waiting(newest + deadline_seconds, f"waiting for {what}")
    return Rejected(
        f"no {what} came within {deadline_seconds:.0f} s of the newest file",
        tuple(fact.key for fact, _ in data),
    )


def _quiet_seconds(rule: str, default: float) -> float:
    match = re.fullmatch(r"quiet:(\d+)([smh])", rule)
    return int(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]] if match else default


def _export(group: str, data: Sequence[_Pair], config: Config, complete_by: str) -> ExportSet:
    datasets: dict[str, list[SourceFile]] = {}
    for fact, key in data:
        file = SourceFile(fact.key, fact.size, fact.etag, folder=key.folder)
        datasets.setdefault(str(key.dataset), []).append(file)
    return ExportSet(
        group=group,
        datasets={name: tuple(files) for name, files in datasets.items()},
        mode=config.source.mode,
        complete_by=complete_by,
    )


def _nothing(group: str, ignored: Mapping[str, str]) -> str:
    if not ignored:
        return f"group {group!r} has no new file"
    key, reason = next(iter(ignored.items()))
    more = f" (and {len(ignored) - 1} more)" if len(ignored) > 1 else ""
    return f"{key!r} is not imported: {reason}{more}"
