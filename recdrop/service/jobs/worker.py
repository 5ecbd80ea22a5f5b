"""What a worker process does: a service's worker module calls `main` with its own work.

With a job folder as its argument it does that job. Without one it takes job folders line by line from
its input, does them one after the other and answers each with a line. A job folder holds `job.json`,
the work order; the outcome goes to `result.json` in it, complete or not at all.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recdrop.service.errors import JobFailed

NICENESS = 10  # answers come before training
Work = Callable[[Mapping[str, Any], Path], Mapping[str, Any]]


def main(arguments: list[str], do_job: Work) -> int:
    """The process from begin to end; `do_job` gets a work order and the job's folder."""
    if arguments:
        return 0 if run(Path(arguments[0]), do_job) else 1
    os.nice(NICENESS)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    for line in sys.stdin:
        run(Path(line.strip()), do_job)
        sys.stdout.write("done\n")
        sys.stdout.flush()
    return 0


def run(folder: Path, do_job: Work) -> bool:
    """Does the job of a folder; True when it succeeded."""
    order = json.loads((folder / "job.json").read_text())
    try:
        result: dict[str, Any] = {"value": do_job(order, folder)}
    except JobFailed as error:
        result = {"failure": str(error)}
    except MemoryError:
        result = {"failure": "The job ran out of memory."}
    except Exception as error:  # noqa: BLE001 - the process is the boundary: what is unforeseen becomes failureReason
        traceback.print_exc()
        result = {"failure": f"{type(error).__name__}: {error}"}
    # Renamed when complete, so that the server never reads half a result.
    unfinished = folder / "result.unfinished"
    unfinished.write_text(json.dumps(result))
    unfinished.replace(folder / "result.json")
    return "value" in result


def _end_with_parent(parent: int) -> None:
    """A killed server must not leave workers behind."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
