"""Keys of the drop bucket: group, dataset, and what kind of object it is.

(Keys of the work bucket: `chalicelib.layout`.)
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeGuard

from chalicelib import layout
from chalicelib.documents import ArrivalRecord
from chalicelib.sources import delta, registry
from chalicelib.vocabulary.datasets import DATASETS

# S3 takes 1,024 bytes, and so does a sort key of DynamoDB, where `arrival#` stands before it.
MAX_BYTES = 1_000
MANIFEST_FOLDER = "manifests"

Role = Literal["data", "manifest", "marker", "commit", "started", "config", "ignored"]
Mapped = Mapping[str, str]


@dataclass(frozen=True)
class Arrival:
    """An object of the drop bucket that belongs to no run yet, and what its key says it is.

    `folder` is the dataset folder as written, `dataset` what it becomes, `path` the rest of the key
    below the folder. `reason` says why a key is ignored; `is_misplaced` whether nothing but its folder
    keeps it from being imported, `is_mistake` whether somebody clearly meant it to be.
    """

    record: ArrivalRecord
    role: Role
    folder: str = ""
    dataset: str | None = None
    path: str = ""
    reason: str = ""
    is_misplaced: bool = False
    is_mistake: bool = False

    @property
    def key(self) -> str:
        return self.record.key

    @property
    def datasets(self) -> tuple[str, ...]:
        """At most one."""
        return (self.dataset,) if self.dataset else ()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.record.size

    @property
    def arrived(self) -> float:
        """Epoch seconds."""
        return self.record.arrived

    @property
    def name(self) -> str:
        return layout.file_name(self.key)

    @property
    def directory(self) -> str:
        return directory(self.key)

    @property
    def root(self) -> str:
        return root(self.key)

    @property
    def written(self) -> float:
        """Epoch seconds: by S3's clock where it was asked, else when the event came."""
        return self.record.modified or self.record.arrived


def can_be(key: object) -> TypeGuard[str]:
    """Whether an object can have this key, and the ledger name its arrival by it."""
    try:
        return isinstance(key, str) and 0 < len(key.encode()) <= MAX_BYTES
    except UnicodeEncodeError:
        return False


def group_of(key: str) -> str:
    """The group of a key; "" when it lies outside any."""
    group, _, rest = key.partition("/")
    return group if rest else ""


def directory(key: str) -> str:
    """The key up to and with its last slash."""
    return key[: key.rfind("/") + 1]


def root(key: str) -> str:
    """The folder of the whole export that an object is a part of: its own, above all partitions."""
    folders = directory(key).split("/")[:-1]
    while folders and "=" in folders[-1]:
        folders.pop()
    return "".join(f"{folder}/" for folder in folders)


def recognise(record: ArrivalRecord, mapped: Mapped) -> Arrival:
    """What an object is. `mapped` are the folders that the group's config maps to datasets.

    Never raises: what cannot be used is ignored with a reason.
    """
    if not group_of(record.key):
        reason = "it lies outside any group: expected <group>/<dataset>/<file>"
        return Arrival(record, "ignored", reason=reason)
    _, *folders, name = record.key.split("/")
    folder, dataset, inner = _dataset_folder(folders, mapped)
    role, reason = _control_role(record.key, folders, name), ""
    is_misplaced = is_mistake = False
    if role == "data":
        # Why the file itself says nothing comes first: that its folder is unknown is then no matter.
        reason = _why_ignored(name, folders)
        if not reason and not dataset:
            near = _near(folders, mapped)
            reason = _why_no_dataset(folders, mapped, near)
            is_misplaced = record.size > 0
            # Of other folders a manifest may tell later what they are.
            is_mistake = bool(near or not folders)
        reason = reason or _why_empty(record.size)
    path = "/".join([*inner, name])
    role = "ignored" if reason else role
    return Arrival(record, role, folder, dataset, path, reason, is_misplaced, is_mistake)


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
    if registry.committed(name) or delta.is_log(key):
        return "commit"
    return "started" if registry.started(name) else "data"


def _is_manifest(folders: list[str], name: str) -> bool:
    lower = name.lower()
    in_folder = bool(folders) and folders[0] == MANIFEST_FOLDER
    return (
        lower == "manifest.json"
        or lower.endswith(".manifest.json")
        or (in_folder and lower.endswith(".json"))
        or registry.is_manifest(name)
    )


def _why_ignored(name: str, folders: list[str]) -> str:
    if not name:
        return "it is a folder marker"
    if noise := registry.noise(name):
        return f"it is {noise}"
    if name.startswith((".", "_")) or any(_is_hidden(folder) for folder in folders):
        return "its name begins with '.' or '_', which marks it as hidden"
    return ""


def _why_empty(size: int) -> str:
    return "" if size else "it is empty (0 bytes)"


def _is_hidden(folder: str) -> bool:
    # A partition may be by a column whose name begins with an underscore: "_day=2026-01-01".
    return folder.startswith((".", "_")) and "=" not in folder


def _near(folders: list[str], mapped: Mapped) -> str:
    """The dataset or mapped folder that the first folder is nearly called; "" for none."""
    wanted = folders[0].lower() if folders else ""
    return next(iter(difflib.get_close_matches(wanted, [*DATASETS, *mapped], 1, 0.7)), "")


def _why_no_dataset(folders: list[str], mapped: Mapped, near: str) -> str:
    known = ", ".join([*DATASETS, *sorted(mapped)])
    if not folders:
        return (
            "it lies in no dataset folder: "
            f"expected <group>/<dataset>/<file> with a dataset of {known}"
        )
    meant = f"Did you mean {near!r}? " if near else ""
    return (
        f"folder {folders[0]!r} is no dataset. {meant}Expected one of {known}, "
        f"or a [[dataset]] in {layout.CONFIG_NAME} that maps it"
    )
