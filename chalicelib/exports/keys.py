"""Keys of the drop bucket: group, dataset, and what kind of object it is.

(Keys of the work bucket: `chalicelib.layout`.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DATASETS = ("interactions", "items", "users", "actions", "action_interactions")
CONFIG_NAME = "recdrop.toml"
MANIFEST_FOLDER = "manifests"
MARKER_NAME = "_SUCCESS"
# Folders of the seed systems that are interactions under another name (Segment's raw logs and the
# workshop's Glue output).
BUILT_IN_FOLDERS: Mapping[str, str] = {
    "segment-logs": "interactions",
    "transformed": "interactions",
}

Role = Literal["data", "manifest", "marker", "commit", "config", "ignored"]


@dataclass(frozen=True)
class DropKey:
    """What one key of the drop bucket is.

    `folder` is the dataset folder as written, `dataset` what it becomes, `name` the rest of the key
    after the folder. `reason` says why a key is ignored.
    """

    key: str
    group: str
    role: Role
    folder: str = ""
    dataset: str | None = None
    name: str = ""
    reason: str = ""

    @property
    def directory(self) -> str:
        """The key up to and with its last slash."""
        return self.key[: self.key.rfind("/") + 1]


def parse_drop_key(
    key: str, mapped: Mapping[str, str] | None = None, size: int | None = None
) -> DropKey:
    """What `key` is. `mapped` are the folders that the group's config maps to datasets; `size` in
    bytes, when known.

    Never raises: what cannot be used is ignored with a reason.
    """
    group, _, rest = key.partition("/")
    if not rest:
        return DropKey(
            key,
            group="",
            role="ignored",
            reason="it lies outside any group: expected <group>/<dataset>/<file>",
        )
    folders, name = rest.split("/")[:-1], rest.rsplit("/", 1)[-1]
    folder, dataset, inner = _dataset_folder(folders, mapped or {})
    found = DropKey(key, group, "data", folder, dataset, "/".join([*inner, name]))
    if rest == CONFIG_NAME:
        return DropKey(key, group, "config", name=name)
    if _is_manifest(folders, name):
        return DropKey(key, group, "manifest", folder, dataset, found.name)
    if name == MARKER_NAME:
        return DropKey(key, group, "marker", folder, dataset, found.name)
    if re.match(r"_committed_\d+$", name):
        return DropKey(key, group, "commit", folder, dataset, found.name)
    if reason := _why_ignored(name, folders, size) or (
        "" if dataset else _why_no_dataset(folders, mapped or {})
    ):
        return DropKey(key, group, "ignored", folder, dataset, found.name, reason)
    return found


def dataset_named(folder: str, mapped: Mapping[str, str] | None = None) -> str | None:
    """The dataset a folder (or a manifest's section) stands for: config first, then the names
    themselves, then `<model>_<dataset>`.
    """
    if mapped and folder in mapped:
        return mapped[folder]
    plain = folder.lower().replace("-", "_")
    if plain in DATASETS:
        return plain
    if folder.lower() in BUILT_IN_FOLDERS:
        return BUILT_IN_FOLDERS[folder.lower()]
    suffix = re.search(r"_(action_interactions|interactions|items|users|actions)$", plain)
    return suffix[1] if suffix else None


def _dataset_folder(
    folders: list[str], mapped: Mapping[str, str]
) -> tuple[str, str | None, list[str]]:
    """The first folder that names a dataset: exports write <group>/<dataset>/... and
    <group>/<run>/<dataset>/... alike.
    """
    for index, folder in enumerate(folders):
        if dataset := dataset_named(folder, mapped):
            return folder, dataset, folders[index + 1 :]
    return (folders[0] if folders else ""), None, folders[1:]


def _is_manifest(folders: list[str], name: str) -> bool:
    lower = name.lower()
    in_folder = bool(folders) and folders[0] == MANIFEST_FOLDER
    return (
        lower == "manifest.json"
        or (in_folder and lower.endswith(".json"))
        or lower.endswith((".manifest.json", "manifest"))
    )


def _why_ignored(name: str, folders: list[str], size: int | None) -> str:
    if not name:
        return "it is a folder marker"
    if name.startswith(("_committed_", "_started_")):
        return "it is a transaction marker of Databricks"
    if name.endswith(".crc"):
        return "it is a checksum file"
    if name.startswith((".", "_")) or any(
        f.startswith((".", "_")) and "=" not in f for f in folders
    ):
        return "its name begins with '.' or '_', which marks it as hidden"
    if name.endswith("$folder$"):
        return "it is a folder marker"
    return "it is empty (0 bytes)" if size == 0 else ""


def _why_no_dataset(folders: list[str], mapped: Mapping[str, str]) -> str:
    known = ", ".join([*DATASETS, *sorted(mapped)])
    if not folders:
        return f"it lies in no dataset folder: expected <group>/<dataset>/<file> with a dataset of {known}"
    return f"folder {folders[0]!r} is no dataset: expected one of {known}, or a [[dataset]] in {CONFIG_NAME} that maps it"
