"""Step Functions runs: their ends are noticed, their histories paged, the failed ones redriven."""

from __future__ import annotations

import datetime as dt
from typing import Any

from recdrop.local.shims.site import served

KEPT_EXECUTIONS = 500


def forget_old_runs() -> None:
    """Histories and dead threads of ended executions are kept for ever; the oldest go here."""
    from moto.stepfunctions.parser import utils
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

    original = BaseExecutionWorkerCommunication.terminated

    def terminated(communication: Any) -> None:
        original(communication)
        utils.TMP_THREADS[:] = [thread for thread in utils.TMP_THREADS if thread.is_alive()]
        # An execution may end after its stack has stopped; then there is nothing left to trim.
        if (stack := served()) is not None:
            with stack.lock:
                trim_executions(communication.execution)

    BaseExecutionWorkerCommunication.terminated = terminated


def trim_executions(ended: Any) -> None:
    """Keep the newest finished executions of the machine, and all running ones."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    backend = stepfunctions_parser_backends[ended.account_id][ended.region_name]
    for machine in backend.state_machines:
        finished = [execution for execution in machine.executions if execution.status != "RUNNING"]
        for execution in finished[: max(0, len(finished) - KEPT_EXECUTIONS)]:
            machine.executions.remove(execution)


def page_histories() -> None:
    """GetExecutionHistory ignores maxResults, nextToken and reverseOrder."""
    from moto.core.responses import ActionResult
    from moto.stepfunctions.responses import StepFunctionResponse

    def get_execution_history(response: Any) -> Any:
        arn = response._get_param("executionArn")
        events = list(response.stepfunction_backend.get_execution_history(arn)["events"])
        if response._get_param("reverseOrder"):
            events.reverse()
        # The token is the place in the list: a history only grows at its end.
        start = int(response._get_param("nextToken") or 0)
        end = start + (response._get_int_param("maxResults") or 1000)
        page = {"events": events[start:end]}
        return ActionResult(page | ({"nextToken": str(end)} if end < len(events) else {}))

    StepFunctionResponse.get_execution_history = get_execution_history


def keep_why_a_run_was_stopped() -> None:
    """StopExecution drops error and cause, and stops a run that has ended once more."""
    from moto.core.responses import ActionResult
    from moto.stepfunctions.parser.backend.execution import Execution
    from moto.stepfunctions.responses import StepFunctionResponse

    original = Execution.stop

    def stop(execution: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        execution.error, execution.cause = error, cause
        original(execution, stop_date, error, cause)

    def stop_execution(response: Any) -> Any:
        backend = response.stepfunction_backend
        execution = backend.describe_execution(response._get_param("executionArn"))
        stopped_at = dt.datetime.now(dt.UTC)
        if execution.status == "RUNNING":
            execution.stop(stopped_at, response._get_param("error"), response._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date or stopped_at})

    Execution.stop = stop
    StepFunctionResponse.stop_execution = stop_execution


def redrive_executions() -> None:
    """RedriveExecution is missing; here it runs the whole machine again, under the same name.

    AWS begins at the state that failed. The difference is time only: every task finds its work.
    """
    from moto.core.responses import ActionResult
    from moto.stepfunctions import responses

    def redrive_execution(response: Any) -> Any:
        execution = response.stepfunction_backend.describe_execution(
            response._get_param("executionArn")
        )
        if execution.status not in {"FAILED", "ABORTED", "TIMED_OUT"}:
            raise responses.ValidationException(
                f"Execution is {execution.status}. Expected FAILED, ABORTED or TIMED_OUT."
            )
        # As before its start: what the first attempt left would be described as of this one.
        execution.exec_worker = execution.stop_date = None
        execution.error = execution.cause = execution.output = None
        execution.start()
        return ActionResult({"redriveDate": dt.datetime.now(dt.UTC)})

    responses.StepFunctionResponse.redrive_execution = redrive_execution
