"""The folder of a stack's data: one that is kept, or one that goes with the stack."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from recdrop.local.state.files import StateError


def open_folder(kept: Path | None, cleanup: ExitStack) -> Path:
    """The folder `kept`, locked until `cleanup`; without one, a temporary folder.

    Raises:
        StateError: another stack has the folder. The two would overwrite each other's data.
    """
    if kept is None:
        temporary = Path(tempfile.mkdtemp(prefix="recdrop-"))
        cleanup.callback(shutil.rmtree, temporary, ignore_errors=True)
        return temporary
    kept.mkdir(parents=True, exist_ok=True)
    # The lock goes with its file, and so with the process, however that ends.
    file = cleanup.enter_context((kept / "lock").open("w"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StateError(
            f"{kept} is in use by another recdrop. Stop it, or name another --data-dir."
        ) from error
    return kept
