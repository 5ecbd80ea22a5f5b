"""Which files of a path are an export: by the very rules of the drop bucket, as if it were a group's.

A folder holds `interactions/`, `items/`, ... or is one of those itself; or files lie loose in it,
which a drop bucket would not take: what they are is then guessed from what they hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chalicelib import layout
from chalicelib.documents import ArrivalRecord
from chalicelib.intake import keys, selection
from chalicelib.intake.commits import read_commits
from chalicelib.intake.keys import Arrival
from chalicelib.intake.manifests import ManifestFile, read_manifest

A_MANIFEST = "a list of the export's files, which are compared with it"
NOT_LISTED = "the export's list of files does not name it"
_BUCKET = "bucket"
GROUP = "group"  # stands for the name that the group will get


@dataclass(frozen=True)
class File:
    """A file with rows. `name` is its path below the group.

    `folder` is its dataset's folder and `dataset` what that stands for; "" and None where nobody has
    said so yet.
    """

    path: Path
    name: str
    folder: str = ""
    dataset: str | None = None

    @property
    def stem(self) -> str:
        """The name without any ending: of `ratings.csv.gz` "ratings"."""
        return self.path.name.split(".")[0]

    @property
    def is_loose(self) -> bool:
        """Whether it lies in no folder of its own; partitions such as `day=1` are none."""
        return not self.folders

    @property
    def folders(self) -> list[str]:
        """The folders above it that are no partitions, the outermost first."""
        return [part for part in self.name.split("/")[:-1] if "=" not in part]


@dataclass(frozen=True)
class Found:
    """What lies at a path. `ignored` maps names to the reason, `paths` are all names.

    `config` is the text of the `recdrop.toml` among them, `promised` what manifests say of files, by
    name; None without a manifest.
    """

    files: tuple[File, ...]
    ignored: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    config: str | None = None
    promised: Mapping[str, ManifestFile] | None = None


def find(path: Path, mapped: Mapping[str, str]) -> Found:
    """The files at `path`, which is a file or a folder.

    `mapped` are the folders that the config maps to datasets.

    Raises:
        ManifestError: a list of files, such as a commit of Databricks, cannot be read.
    """
    if path.is_file():
        return _place(Found((File(path, path.name),), paths=(path.name,)), mapped)
    # `export/interactions` stands for what it holds as much as `export` does.
    is_dataset = keys.dataset_named(path.name, mapped) is not None and not _has_folders(
        path, mapped
    )
    root = path.resolve().parent if is_dataset else path.resolve()
    there = [inner for inner in sorted(path.resolve().rglob("*")) if inner.is_file()]
    arrivals = {inner: _arrival(inner, root, mapped) for inner in there}
    return _place(_select(arrivals, root, mapped), mapped)


def _has_folders(path: Path, mapped: Mapping[str, str]) -> bool:
    return any(i.is_dir() and keys.dataset_named(i.name, mapped) for i in path.iterdir())


def _arrival(path: Path, root: Path, mapped: Mapping[str, str]) -> Arrival:
    status = path.stat()
    key = f"{GROUP}/{path.relative_to(root).as_posix()}"
    record = ArrivalRecord(key=key, etag="", size=status.st_size, arrived=status.st_mtime)
    return keys.recognise(record, mapped)


def _select(arrivals: Mapping[Path, Arrival], root: Path, mapped: Mapping[str, str]) -> Found:
    texts = {a.key: path.read_bytes() for path, a in arrivals.items() if a.role == "commit"}
    commits = read_commits(texts)
    selected = selection.newest_unload(selection.select(arrivals.values(), commits))
    kept = {arrival.key for arrival in selected.kept}
    files, ignored = [], dict(selected.ignored)
    for path, arrival in arrivals.items():
        if arrival.key in kept:
            files.append(File(path, _name(arrival.key), arrival.folder, arrival.dataset))
        elif arrival.role == "manifest":
            ignored[arrival.key] = A_MANIFEST
        elif arrival.is_misplaced:
            ignored.pop(arrival.key, None)
            files.append(File(path, _name(arrival.key), arrival.folder))
    promised = _promised(arrivals, mapped)
    if promised is not None:
        ignored |= {f"{GROUP}/{f.name}": NOT_LISTED for f in files if f.name not in promised}
        files = [file for file in files if file.name in promised]
    config = root / layout.CONFIG_NAME
    return Found(
        files=tuple(files),
        promised=promised,
        ignored={_name(key): reason for key, reason in ignored.items()},
        paths=tuple(_name(arrival.key) for arrival in arrivals.values()),
        config=config.read_text(encoding="utf-8") if config.is_file() else None,
    )


def _promised(
    arrivals: Mapping[Path, Arrival], mapped: Mapping[str, str]
) -> dict[str, ManifestFile] | None:
    """What the manifests list, by name below the group."""
    lists = {path: arrival for path, arrival in arrivals.items() if arrival.role == "manifest"}
    if not lists:
        return None
    names = {_name(arrival.key) for arrival in arrivals.values()}
    promised = {}
    for path, arrival in lists.items():
        # Nobody here knows which bucket and group the names speak of: this export's, whatever it is.
        body = re.sub(
            rb'"s3://[^/"]+/[^/"]+/', f'"s3://{_BUCKET}/{GROUP}/'.encode(), path.read_bytes()
        )
        for file in read_manifest(arrival, body, _BUCKET, mapped).files:
            name = _name(file.key)
            below = name.partition("/")[
                2
            ]  # a name may begin with its group, whatever that is called
            promised[below if name not in names and below in names else name] = file
    return promised


def _name(key: str) -> str:
    return key.removeprefix(f"{GROUP}/")


def _place(found: Found, mapped: Mapping[str, str]) -> Found:
    """Loose files whose own names say what they are: `items.csv`, or a folder of the config."""
    return replace(found, files=tuple(_placed(file, mapped) for file in found.files))


def _placed(file: File, mapped: Mapping[str, str]) -> File:
    if file.dataset is not None or not file.is_loose:
        return file
    dataset = keys.dataset_named(file.stem, mapped)
    if dataset is None:
        return file
    return replace(file, dataset=dataset, folder=file.stem if file.stem in mapped else dataset)


def by_folder(files: Sequence[File]) -> dict[str, list[File]]:
    """The files of each folder, in their order."""
    grouped: dict[str, list[File]] = {}
    for file in files:
        grouped.setdefault(file.folder, []).append(file)
    return grouped
