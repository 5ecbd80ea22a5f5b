"""A runner of jobs in a process of its own.

The worker is a Python process that reads the path of a job folder per line and answers when it is
through (`worker.main`). It is used again for the next job. A job that is to be stopped, or that takes
the process down, costs only its own process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import recdrop


@dataclass(frozen=True)
class Outcome:
    """What became of a job: `value` on success, else the reason in `failure`."""

    value: Mapping[str, Any] | None = None
    failure: str | None = None


class Runner(Protocol):
    """Does one job at a time."""

    def run(self, folder: Path) -> Outcome: ...
    def stop(self) -> None: ...


class WorkerProcess:
    """A runner in a process of its own, `python -m <module>`, started when first needed.

    What the process writes to its standard error goes to `log`.
    """

    def __init__(self, module: str, log: Path) -> None:
        self._module = module
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, when there is one."""
        return self._process.pid if self._process else None

    def run(self, folder: Path) -> Outcome:
        process = self._started()
        try:
            _stream(process.stdin).write(f"{folder}\n")
            _stream(process.stdin).flush()
            answer = _stream(process.stdout).readline()
        except (BrokenPipeError, ValueError):
            answer = ""
        if not answer:
            code = process.wait()
            self.stop()
            return Outcome(
                failure=f"The worker process ended with exit code {code}. {_last_line(self._log)}".strip()
            )
        return _read_outcome(folder)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        _stream(process.stdout).close()
        with contextlib.suppress(BrokenPipeError):  # it died with a line still on its way
            _stream(process.stdin).close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            # -P: the folder where the server was started may hold another `recdrop`.
            command = [sys.executable, "-P", "-m", self._module]
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    env=_environment(),
                )
        return self._process


def _environment() -> dict[str, str]:
    """The environment in which a worker imports the same `recdrop` as this process."""
    environment = {"AWS_EC2_METADATA_DISABLED": "true", **os.environ}
    home = Path(recdrop.__file__).resolve().parents[1]
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    # Installed packages are found anyway, and must not come before the standard library.
    if home not in installed:
        paths = (str(home), os.environ.get("PYTHONPATH"))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment


def _read_outcome(folder: Path) -> Outcome:
    try:
        result = json.loads((folder / "result.json").read_text())
    except (OSError, ValueError) as error:
        return Outcome(failure=f"The worker left no result: {error}")
    return Outcome(result.get("value"), result.get("failure"))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - every worker is started with pipes
    return stream
