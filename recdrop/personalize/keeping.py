"""A dataset group as one file: everything in it, its data and its models, to be loaded elsewhere.

The file is a zip with `snapshot.json` and the job folders that its resources name. It may be loaded
into a service of another account and region, beside other groups: ARNs, numbers of streamed records
and names of job folders are made to fit there. What is on its way is not kept, so saving waits for
nobody: it refuses.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import AlreadyExistsError, InUseError, InvalidInputError
from recdrop.personalize.kinds.snapshots import fingerprint, snapshot
from recdrop.personalize.kinds.table import KINDS
from recdrop.service.resources.store import Resource, Step

VERSION = 1
DOCUMENT = "snapshot.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # in the zip, so that the same group gives the same bytes
_FILE = re.compile(r"jobs/[\w-]+/[\w.-]+")
_FOLDER = re.compile(r"jobs/([\w-]+)/")
_EVENTS = (
    "id, user_id, session_id, item_id, event_type, event_value, timestamp, event_id,"
    " recommendation_id, impression, properties, source, kind"
)
_COUNTERS = ("id", "record")  # ids that were given out, and streamed records that came


def save(world: World, name: str, root: Path) -> bytes:
    """The file of a group.

    Raises:
        NotFoundError: there is no such group.
        InUseError: something in it is on its way.
    """
    group = world.find(world.arn(f"dataset-group/{name}"), "DatasetGroup")
    resources = list(_of_group(world, group))
    for resource in resources:
        if resource.status in PENDING or resource.status.endswith(("PENDING", "STOPPING")):
            raise InUseError(
                f"{resource.arn} is in status {resource.status}. "
                "Expected everything in the group to have come to an end before it is saved."
            )
    document = {
        "version": VERSION,
        "group": name,
        "prefix": world.arn(""),
        "account": world.settings.account,
        "counters": {counter: _counter(world, counter) for counter in _COUNTERS},
        "resources": [asdict(resource) for resource in resources],
        "steps": _steps(world, resources),
        "events": world.tx.query(
            f"SELECT {_EVENTS} FROM events WHERE grp = ? ORDER BY id", (group.arn,)
        ),
        "records": [
            row
            for dataset in world.in_group("Dataset", group.arn)
            for row in world.tx.query(
                "SELECT dataset, record_id, seq, properties FROM records WHERE dataset = ?",
                (dataset.arn,),
            )
        ],
        "fresh": _fresh(world, group.arn, resources),
    }
    return _packed(json.dumps(document, indent=1, sort_keys=True), root)


def load(world: World, content: bytes, root: Path) -> list[str]:
    """Puts the group of a file into the service; the ARNs of what is new.

    Raises:
        InvalidInputError: the file is none of ours, or of another version.
        AlreadyExistsError: something in it is there already.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        text = archive.read(DOCUMENT).decode()
        found = json.loads(text)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InvalidInputError(f"The file is no snapshot of a dataset group: {error}") from error
    if found.get("version") != VERSION:
        raise InvalidInputError(
            f"The snapshot has version {found.get('version')!r}. Expected {VERSION}: save it anew."
        )
    number = world.tx.next_number("loaded")
    text = text.replace(found["prefix"], world.arn(""))
    document = json.loads(_FOLDER.sub(lambda match: f"jobs/loaded-{number}-{match[1]}/", text))
    resources = [Resource(**row) for row in document["resources"]]
    new = [resource for resource in resources if not _is_there(world, resource)]
    _unpack(archive, root, number)
    moved = _Moved(world, found)
    for resource in new:
        world.tx.put(moved.resource(resource, account=found["account"]))
    group = world.arn(f"dataset-group/{document['group']}")
    moved.streams(group, document)
    arns = {resource.arn for resource in new}
    for step in document["steps"]:
        if step["arn"] in arns:
            step["due"] += world.now
            world.tx.schedule(Step(**step))
    _refresh(world, group, document["fresh"])
    return sorted(arns)


class _Moved:
    """What was numbered elsewhere, with the numbers that it has here."""

    def __init__(self, world: World, found: Mapping[str, Any]) -> None:
        self._world = world
        self._event = world.tx.query("SELECT coalesce(max(id), 0) FROM events")[0][0]
        self._record = _counter(world, "record")
        counters = {
            # Ids are made from their number: one that was given out there is not given out here.
            "id": max(_counter(world, "id"), found["counters"]["id"]),
            "record": self._record + found["counters"]["record"],
        }
        for name, value in counters.items():
            world.tx.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))

    def resource(self, resource: Resource, *, account: str) -> Resource:
        if "events_upto" in resource.notes:
            upto = resource.notes["events_upto"] + self._event
            resource = resource.with_notes(events_upto=upto)
        if resource.doc.get("accountId") == account:
            resource = resource.with_doc(accountId=self._world.settings.account)
        return Resource(resource.arn, resource.kind, resource.doc, resource.notes, resource.tags)

    def streams(self, group: str, document: Mapping[str, Any]) -> None:
        events = [(row[0] + self._event, group, *row[1:]) for row in document["events"]]
        columns = _EVENTS.replace("id,", "id, grp,", 1)
        marks = ", ".join("?" * (len(columns.split(","))))
        self._world.tx.execute_many(f"INSERT INTO events ({columns}) VALUES ({marks})", events)
        records = [
            (dataset, record, seq + self._record, properties)
            for dataset, record, seq, properties in document["records"]
        ]
        self._world.tx.execute_many("INSERT INTO records VALUES (?, ?, ?, ?)", records)


def _of_group(world: World, group: Resource) -> Iterator[Resource]:
    """The group and all that is in it, in the order of kinds that one may be made in."""
    schemas = {dataset.doc["schemaArn"] for dataset in world.in_group("Dataset", group.arn)}
    yield group
    for noun in KINDS:
        for resource in world.tx.all(noun):
            is_own = resource.doc.get("datasetGroupArn") == group.arn and noun != "DatasetGroup"
            if is_own or resource.arn in schemas:
                yield resource


def _is_there(world: World, resource: Resource) -> bool:
    """Whether the resource need not be loaded: a schema of the same name and text."""
    present = world.tx.get(resource.arn)
    if present is None:
        return False
    if resource.kind == "Schema" and present.doc["schema"] == resource.doc["schema"]:
        return True
    raise AlreadyExistsError.of(resource.arn)


def _counter(world: World, name: str) -> int:
    rows = world.tx.query("SELECT value FROM counters WHERE name = ?", (name,))
    return int(rows[0][0]) if rows else 0


def _steps(world: World, resources: list[Resource]) -> list[dict[str, Any]]:
    """What is due for them by itself, such as the next automatic training, from now."""
    steps = []
    for resource in resources:
        for due, action, payload in world.tx.query(
            "SELECT due, action, payload FROM steps WHERE arn = ? ORDER BY id", (resource.arn,)
        ):
            step = Step(due - world.now, resource.arn, action, json.loads(payload))
            steps.append(asdict(step))
    return steps


def _fresh(world: World, group: str, resources: list[Resource]) -> dict[str, list[str]]:
    """Versions that were made from the data as it is now, with metadata and without."""
    taken = snapshot(world, group)
    return {
        name: [
            resource.arn
            for resource in resources
            if resource.notes.get(name) == fingerprint(taken, interactions_only=only)
        ]
        for name, only in (("data", False), ("interactions", True))
    }


def _refresh(world: World, group: str, fresh: Mapping[str, list[str]]) -> None:
    """They are so here too, though files and numbers have other names."""
    taken = snapshot(world, group)
    for name, only in (("data", False), ("interactions", True)):
        for arn in fresh[name]:
            version = world.find(arn, "SolutionVersion")
            now = fingerprint(taken, interactions_only=only)
            world.tx.put(version.with_notes(**{name: now}))


def _packed(document: str, root: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, DOCUMENT, document.encode())
        for named in sorted(set(_FILE.findall(document))):
            path = root / named
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    _write(archive, str(file.relative_to(root)), file.read_bytes())
    return packed.getvalue()


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _unpack(archive: zipfile.ZipFile, root: Path, number: int) -> None:
    """The job folders, under names of their own."""
    for name in archive.namelist():
        parts = Path(name).parts
        if name == DOCUMENT:
            continue
        if len(parts) < 3 or parts[0] != "jobs" or ".." in parts:
            raise InvalidInputError(f"The snapshot holds {name!r}. Expected files of jobs alone.")
        target = root / "jobs" / f"loaded-{number}-{parts[1]}" / Path(*parts[2:])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(name))
