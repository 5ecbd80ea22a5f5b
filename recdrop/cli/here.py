"""The recdrop of this machine: `recdrop up`, found by its port."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from recdrop.cli.common import UNREACHABLE, CliError, Json, call
from recdrop.cli.logreading import Log, StackLog, Wanted
from recdrop.cli.target import FIRST_LOOK_SECONDS, Target


class Here(Target):
    """A local stack, which describes itself at `/_recdrop/health`."""

    look_seconds = FIRST_LOOK_SECONDS
    # A message is between two counts for a moment: quiet this long, nothing is on its way any more.
    settled_seconds = 2.0
    run_seconds = 900.0
    follow_seconds = 0.5

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @property
    def place(self) -> str:
        return f"The stack at {self._endpoint}"

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        outputs: Mapping[str, str] = self._description()["outputs"]
        return outputs

    def client(self, service: str) -> Any:
        return self._clients.get(service)

    def table(self, name: str) -> Any:
        return self._clients.table(name)

    @cached_property
    def _clients(self) -> Any:
        from recdrop.local.aws.clients import Clients

        return Clients(self._endpoint)

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self._description()
            except CliError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
            time.sleep(FIRST_LOOK_SECONDS)

    def open_log(self, wanted: Wanted) -> Log:
        return StackLog(self._endpoint, wanted)

    def describe(self) -> Json:
        stack = self._description()
        kept = stack["data_dir"] or "not kept"
        summary = [
            f"recdrop is up: AWS {stack['aws_url']}, API {stack['api_url']}",
            f"data: {kept}; waits {stack['time_scale']:g} times shorter",
        ]
        return {**stack, "summary": summary}

    def alarms(self) -> Sequence[tuple[str, str]]:
        """None: the local stack makes no alarms."""
        return ()

    def _description(self) -> Json:
        """What runs where.

        Raises:
            CliError: nobody answers, or the stack is still starting.
        """
        document = call(self._endpoint, "GET health")
        if not document.get("ready"):
            raise CliError(
                UNREACHABLE,
                f"{self.place} is not ready yet.",
                "Wait for it with `recdrop wait`.",
            )
        return document
