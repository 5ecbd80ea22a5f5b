"""What S3 says lies there: events come late, twice or not at all, a listing is the truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.buckets import Head
from chalicelib.context import Context
from chalicelib.documents import ArrivalRecord, Mode, TakenRecord
from chalicelib.intake import commits, keys
from chalicelib.intake.keys import Arrival, Mapped
from chalicelib.intake.manifests import Manifest
from chalicelib.intake.sets import CONTROLS, Facts
from chalicelib.ledger import TAKEN_SECONDS


@dataclass(frozen=True)
class There:
    """One object of a listing; `by` is the run that has taken it as it is now, "" for none.

    A run that failed has imported nothing: what it had taken is free again.
    """

    found: Arrival
    by: str = ""
    was_taken: bool = False


def unheard_of(
    context: Context, found: Sequence[Manifest], arrivals: Mapping[str, Arrival], mapped: Mapped
) -> dict[str, Arrival]:
    """Objects that a manifest lists and whose event is still on its way, or that an earlier run took."""
    listed = {file.key for manifest in found for file in manifest.files}
    heads = {key: context.drop.head(key) for key in sorted(listed - arrivals.keys())}
    return {
        key: keys.recognise(_record(key, head, context.now()), mapped)
        for key, head in heads.items()
        if head
    }


def look_there(
    context: Context, facts: Facts, folders: Collection[str], mode: Mode, mapped: Mapped
) -> Facts:
    """The facts with all that belongs to them, by what S3 lists in the folders of what arrived.

    Raises:
        ManifestError: a commit cannot be used.
    """
    group, now = facts.group, context.now()
    taken: dict[str, TakenRecord] = {}
    heads: dict[str, Head] = {}
    for folder in folders:
        taken |= context.ledger.taken_below(group, folder)
        heads |= context.drop.heads(folder)
    runs = {run: context.ledger.run(run) for run in {record.run for record in taken.values()}}
    lasting = {run for run, record in runs.items() if record and record.status != "failed"}
    there = {
        key: _there(key, head, taken.get(key), lasting, now, mapped) for key, head in heads.items()
    }
    arrived = {
        key: found
        for key, found in facts.arrivals.items()
        if found.root not in folders or (key in there and not _is_second(there[key], mode))
    }
    joined = _belonging(there, arrived, folders, mode, context.settings.deadline_seconds)
    arrivals = {**{key: one.found for key, one in joined.items()}, **arrived}
    texts = texts_of(context, [key for key, found in arrivals.items() if found.role == "commit"])
    parts = [one for one in joined.values() if one.found.role == "data"]
    return replace(
        facts,
        arrivals=arrivals,
        commits=commits.read_commits(texts),
        is_listed=True,
        again=next((one.by for one in parts if one.by), ""),
    )


def _belonging(
    there: Mapping[str, There],
    arrived: Mapping[str, Arrival],
    folders: Collection[str],
    mode: Mode,
    late_seconds: float,
) -> dict[str, There]:
    """What is of the same export as what arrived, and no arrival itself.

    Of a snapshot, parts that a run has taken belong to it, too: it runs again whole. Of increments
    they do not, nor does what was dropped anew by another name: it would be there twice. Where no
    tool has marked what belongs together, time says it: what came long before is an export of its
    own.
    """
    if not arrived:
        return {}
    newest = max(found.arrived for found in arrived.values())
    others = {key: one for key, one in there.items() if key not in arrived}
    late = {k: one for k, one in others.items() if one.found.arrived >= newest - late_seconds}
    is_marked = any(
        found.role in CONTROLS
        for found in (*arrived.values(), *(one.found for one in late.values()))
    )
    if is_marked and mode == "INCREMENTAL":
        # What is older may have been appended by a run that is no longer remembered.
        late = {k: one for k, one in others.items() if one.found.arrived >= newest - TAKEN_SECONDS}
    contents = {(found.record.etag, found.size) for found in arrived.values()}
    return {
        key: one
        for key, one in (others if is_marked and mode == "FULL" else late).items()
        if one.found.role != "data"
        or (
            one.found.root in folders
            and not _is_second(one, mode)
            and not (one.was_taken and (one.found.record.etag, one.found.size) in contents)
        )
    }


def texts_of(context: Context, lists: Iterable[str]) -> dict[str, bytes]:
    """The text of each of these objects that is still there."""
    texts = {key: context.drop.read_if_there(key) for key in lists}
    return {key: text for key, text in texts.items() if text is not None}


def _is_second(one: There, mode: Mode) -> bool:
    """Whether its event came again while a run took it: appended twice, it would be there twice."""
    return bool(one.by) and one.found.role == "data" and mode == "INCREMENTAL"


def _there(
    key: str,
    head: Head,
    taken: TakenRecord | None,
    lasting: Collection[str],
    now: float,
    mapped: Mapped,
) -> There:
    if taken is None or taken.etag != head.etag:
        return There(keys.recognise(_record(key, head, now), mapped))
    by = taken.run if taken.run in lasting else ""
    return There(keys.recognise(_record(key, head, taken.arrived), mapped), by, was_taken=True)


def _record(key: str, head: Head, otherwise: float) -> ArrivalRecord:
    """An object whose event has not come, or was dealt with: it arrived at the latest `otherwise`."""
    arrived = min(head.modified, otherwise)
    return ArrivalRecord(
        key=key, etag=head.etag, size=head.size, arrived=arrived, modified=head.modified
    )
