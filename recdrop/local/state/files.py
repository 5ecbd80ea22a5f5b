"""How the state is written: JSON with bytes in it, files that are replaced as a whole."""

from __future__ import annotations

import base64
import contextlib
import threading
from pathlib import Path
from typing import Any

BYTES = "base64 bytes"
Json = dict[str, Any]


class StateError(Exception):
    """The kept state cannot be read; the message names the file and what was expected."""


def encode(value: Any) -> Any:
    """What JSON lacks: the bytes of a binary DynamoDB value."""
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    raise TypeError(f"{value!r} cannot be kept. Expected JSON or bytes.")


def decode(value: Json) -> Any:
    """The reverse of `encode`."""
    return base64.b64decode(value[BYTES]) if value.keys() == {BYTES} else value


def replace(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old or the new one, whatever happens."""
    temporary = path.with_name(f"{path.name}.{threading.get_ident()}.tmp")
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(temporary.unlink, missing_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
