"""The executions of moto's Step Functions: listed, stopped, kept, and brought back."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import Any

from recdrop.local.aws import slimmoto

slimmoto.install()

from moto.stepfunctions.parser.models import stepfunctions_parser_backends  # noqa: E402

from recdrop.local.aws.identity import ACCOUNT, REGION  # noqa: E402
from recdrop.local.state.files import Json  # noqa: E402

LOG = logging.getLogger(__name__)


def executions() -> list[Any]:
    """All executions of all state machines, as moto has them, oldest first."""
    machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
    return [execution for machine in machines for execution in machine.executions]


def kept_executions() -> list[Json]:
    """What is kept of each execution: how it was started, and how it ended."""
    return [
        {
            "machine": execution.state_machine.name,
            "name": execution.name,
            "input": execution.execution_input,
            "status": execution.status,
            "started": execution.start_date.isoformat(),
            "stopped": execution.stop_date.isoformat() if execution.stop_date else None,
            "output": execution.output,
            "error": execution.error,
            "cause": execution.cause,
        }
        for execution in executions()
    ]


def stop_executions(lock: threading.RLock, seconds: float) -> None:
    """Interrupt what runs, and wait at most `seconds` for it to end.

    Its threads would else call into the next stack of this process.
    """

    def running() -> list[Any]:
        with lock:
            return [execution for execution in executions() if execution.status == "RUNNING"]

    for execution in running():
        now = dt.datetime.now(dt.UTC)
        execution.stop(now, "Stack.Stopped", "The local stack was stopped.")
    deadline = time.monotonic() + seconds
    while running() and time.monotonic() < deadline:
        time.sleep(0.02)


def restore_execution(entry: Json) -> None:
    """Bring back an execution that has ended.

    Its name stays taken and its result can be described; its history is gone.
    """
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.backend.execution import Execution

    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    machine = backend._revision_by_name(entry["machine"])
    if machine is None:
        return
    execution = Execution(
        name=entry["name"],
        sm_type=machine.sm_type,
        role_arn=machine.roleArn,
        exec_arn=f"{machine.arn.replace(':stateMachine:', ':execution:')}:{entry['name']}",
        account_id=ACCOUNT,
        region_name=REGION,
        state_machine=machine,
        start_date=dt.datetime.fromisoformat(entry["started"]),
        cloud_watch_logging_session=None,
        input_data=entry["input"],
        activity_store={},
    )
    execution.exec_status = ExecutionStatus[entry["status"]]
    execution.stop_date = dt.datetime.fromisoformat(entry["stopped"]) if entry["stopped"] else None
    execution.output = entry["output"]
    execution.error, execution.cause = entry["error"], entry["cause"]
    machine.executions.append(execution)


def resume_execution(entry: Json) -> None:
    """Start an unfinished execution again, under its name and with its input."""
    backend = stepfunctions_parser_backends[ACCOUNT][REGION]
    machine = backend._revision_by_name(entry["machine"])
    if machine is None:
        LOG.warning(
            "State machine %s is gone; run %s is not resumed", entry["machine"], entry["name"]
        )
        return
    LOG.info("Resuming run %s", entry["name"])
    backend.start_execution(machine.arn, entry["name"], entry["input"])
