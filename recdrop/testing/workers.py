"""Jobs in the process of the tests: to start another takes longer than the work on a tiny data set."""

from __future__ import annotations

import json
from pathlib import Path

from recdrop.personalize.work.orders import do_job
from recdrop.service.jobs.process import Outcome
from recdrop.service.jobs.worker import run


class Here:
    """Does a job in the thread that asks for it. What is stopped goes on, and its result is dropped."""

    def run(self, folder: Path) -> Outcome:
        """The outcome of the job in a folder."""
        run(folder, do_job)
        result = json.loads((folder / "result.json").read_text())
        return Outcome(result.get("value"), result.get("failure"))

    def stop(self) -> None:
        """Nothing can be stopped."""
