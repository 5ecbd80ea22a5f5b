"""Keys of the drop bucket: group, dataset, and what kind of object it is.

(Keys of the work bucket: `chalicelib.layout`.)
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chalicelib import layout
from chalicelib.documents import ArrivalRecord
from chalicelib.sources import registry
from chalicelib.vocabulary.datasets import DATASETS

# S3 takes 1,024 bytes, and so does a sort key of DynamoDB, where `arrival#` stands before it.
MAX_BYTES = 1_000
EMPTY = "it is empty (0 bytes)"
MANIFEST_FOLDER = "manifests"

Role = Literal["data", "manifest", "marker", "commit", "config", "ignored"]
Mapped = Mapping[str, str]


@dataclass(frozen=True)
class Arrival:
    """An object of the drop bucket that belongs to no run yet, and what its key says it is.

    `folder` is the dataset folder as written, `dataset` what it becomes, `path` the rest of the key
    below the folder. `reason` says why a key is ignored; `meant`: somebody meant it as data, and must
    be told.
    """

    record: ArrivalRecord
    role: Role
    folder: str = ""
    dataset: str | None = None
    path: str = ""
    reason: str = ""
    meant: bool = False

    @property
    def key(self) -> str:
        return self.record.key

    @property
    def size(self) -> int:
        """Bytes."""
        return self.record.size

    @property
    def arrived(self) -> float:
        """Epoch seconds."""
        return self.record.arrived

    @property
    def directory(self) -> str:
        return directory(self.key)


def can_be(key: str) -> bool:
    """Whether an object can have this key, and the ledger name its arrival by it."""
    try:
        return 0 < len(key.encode()) <= MAX_BYTES
    except UnicodeEncodeError:
        return False


def group_of(key: str) -> str:
    """The group of a key; "" when it lies outside any."""
    group, _, rest = key.partition("/")
    return group if rest else ""


def directory(key: str) -> str:
    """The key up to and with its last slash."""
    return key[: key.rfind("/") + 1]


def recognise(record: ArrivalRecord, mapped: Mapped) -> Arrival:
    """What an object is. `mapped` are the folders that the group's config maps to datasets.

    Never raises: what cannot be used is ignored with a reason.
    """
    if not group_of(record.key):
        reason = "it lies outside any group: expected <group>/<dataset>/<file>"
        return Arrival(record, "ignored", reason=reason)
    _, *folders, name = record.key.split("/")
    folder, dataset, inner = _dataset_folder(folders, mapped)
    role, reason, meant = _control_role(record.key, folders, name), "", False
    if role == "data":
        # Why the file itself says nothing comes first: that its folder is unknown is then no matter.
        reason = _why_ignored(name, folders, record.size)
        meant = not reason or reason == EMPTY
        reason = reason or ("" if dataset else _why_no_dataset(folders, mapped))
    path = "/".join([*inner, name])
    meant = meant and bool(reason)
    return Arrival(record, "ignored" if reason else role, folder, dataset, path, reason, meant)


def dataset_named(folder: str, mapped: Mapped) -> str | None:
    """The dataset that a folder, or a section of a manifest, stands for.

    The config first, then the dataset's own name, then the names that seed systems give it, then
    `<model>_<dataset>`.
    """
    if folder in mapped:
        return mapped[folder]
    lower = folder.lower()
    plain = lower.replace("-", "_")
    if plain in DATASETS:
        return plain
    for dataset in DATASETS.values():
        if lower in dataset.folders:
            return dataset.name
    # The longest name first: "x_action_interactions" ends in "_interactions", too.
    suffixes = sorted(DATASETS, key=len, reverse=True)
    return next((dataset for dataset in suffixes if plain.endswith(f"_{dataset}")), None)


def _dataset_folder(folders: list[str], mapped: Mapped) -> tuple[str, str | None, list[str]]:
    """The first folder that names a dataset, that dataset, and the folders below.

    Exports write <group>/<dataset>/... and <group>/<run>/<dataset>/... alike.
    """
    for index, folder in enumerate(folders):
        if dataset := dataset_named(folder, mapped):
            return folder, dataset, folders[index + 1 :]
    return (folders[0] if folders else ""), None, folders[1:]


def _control_role(key: str, folders: list[str], name: str) -> Role:
    """The role of a file that controls an export; "data" of any other."""
    if key == layout.group_config(group_of(key)):
        return "config"
    if _is_manifest(folders, name):
        return "manifest"
    if registry.is_marker(name):
        return "marker"
    return "commit" if registry.is_commit(name) else "data"


def _is_manifest(folders: list[str], name: str) -> bool:
    lower = name.lower()
    in_folder = bool(folders) and folders[0] == MANIFEST_FOLDER
    return (
        lower == "manifest.json"
        or lower.endswith(".manifest.json")
        or (in_folder and lower.endswith(".json"))
        or registry.is_manifest(name)
    )


def _why_ignored(name: str, folders: list[str], size: int) -> str:
    if not name:
        return "it is a folder marker"
    if noise := registry.noise(name):
        return f"it is {noise}"
    if name.startswith((".", "_")) or any(_is_hidden(folder) for folder in folders):
        return "its name begins with '.' or '_', which marks it as hidden"
    return EMPTY if size == 0 else ""


def _is_hidden(folder: str) -> bool:
    # A partition may be by a column whose name begins with an underscore: "_day=2026-01-01".
    return folder.startswith((".", "_")) and "=" not in folder


def _why_no_dataset(folders: list[str], mapped: Mapped) -> str:
    known = ", ".join([*DATASETS, *sorted(mapped)])
    if not folders:
        return (
            "it lies in no dataset folder: "
            f"expected <group>/<dataset>/<file> with a dataset of {known}"
        )
    names = [
        *DATASETS,
        *(name for dataset in DATASETS.values() for name in dataset.folders),
        *mapped,
    ]
    near = difflib.get_close_matches(folders[0].lower(), names, n=1)
    hint = f"did you mean {near[0]!r}? It may be " if near else "expected "
    return (
        f"folder {folders[0]!r} is no dataset: {hint}one of {known}, "
        f"or a [[dataset]] in {layout.CONFIG_NAME} that maps it"
    )
