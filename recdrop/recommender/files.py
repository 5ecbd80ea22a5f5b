"""Model folders.

`model.json` names every array with its size and checksum; arrays are .npy files, mapped when read.
No pickle anywhere: numpy itself refuses an object array. The same header and arrays give the same
bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recdrop.recommender.data.records import Array

FORMAT = "recommender-model"
VERSION = 3
MANIFEST = "model.json"


class ModelFileError(Exception):
    """The folder is not a whole model of this format.

    The message names the file and what is wrong with it.
    """


def write_model(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Writes a model folder; an older one of that name is replaced.

    It is written beside `path` and then renamed: a half-written model never has the final name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        entries = {
            name: _write_array(scratch, name, array) for name, array in sorted(arrays.items())
        }
        manifest = {"format": FORMAT, "version": VERSION, "header": dict(header), "arrays": entries}
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False)
        (scratch / MANIFEST).write_text(text + "\n", encoding="utf-8")
        if path.exists():
            shutil.rmtree(path)
        # mkdtemp makes folders for their owner alone; a model may be served by another user.
        scratch.chmod(0o755)
        scratch.replace(path)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def read_model(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Header and memory-mapped arrays; every file's size and checksum is compared first.

    Raises:
        ModelFileError: A file is missing, cut, changed or foreign.
    """
    path = Path(path)
    manifest = _read_manifest(path / MANIFEST)
    arrays = {name: _read_array(path, name, entry) for name, entry in manifest["arrays"].items()}
    return manifest["header"], arrays


def _write_array(folder: Path, name: str, array: Array) -> dict[str, Any]:
    file = folder / f"{name}.npy"
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return {"bytes": file.stat().st_size, "sha256": _checksum(file)}


def _read_manifest(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise ModelFileError(f"{file} is not there. Expected a model folder with a {MANIFEST}")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFileError(f"{file} is not valid JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise ModelFileError(f"{file} has format {found!r}. Expected {FORMAT!r}")
    if manifest.get("version") != VERSION:
        raise ModelFileError(
            f"{file} has version {manifest.get('version')!r}. "
            f"Expected {VERSION}: train it again with this release"
        )
    if not isinstance(manifest.get("arrays"), dict) or not isinstance(manifest.get("header"), dict):
        raise ModelFileError(f"{file} has no header or no arrays. Expected both")
    return manifest


def _read_array(folder: Path, name: str, entry: Mapping[str, Any]) -> Array:
    file = folder / f"{name}.npy"
    # The name comes from a file: it must not lead out of the folder.
    if file.parent != folder:
        raise ModelFileError(f"{name!r} is no array name. Expected a plain file name")
    if not file.is_file():
        raise ModelFileError(f"{file} is not there. Expected {entry['bytes']} bytes")
    if file.stat().st_size != entry["bytes"]:
        raise ModelFileError(
            f"{file} has {file.stat().st_size} bytes. "
            f"Expected {entry['bytes']}: the file is cut or foreign"
        )
    if _checksum(file) != entry["sha256"]:
        raise ModelFileError(
            f"{file} does not have the checksum of {MANIFEST}: the file was changed"
        )
    try:
        # A plain view of the mapping: arithmetic on numpy's memmap class is slower.
        found: Array = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except ValueError as error:
        raise ModelFileError(f"{file} cannot be read: {error}") from error
    return found


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
