"""The one Logger and the one Metrics, and the decorator that every pipeline task wears.

Lines carry the run and the group; never an id of a person.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib import aws, errors

# Not "recdrop" as the metrics: Python would take the loggers of the package `recdrop`, which is the
# laptop, for children of the Lambdas' one, and print their lines as the Lambdas'.
logger = Logger(service="recdrop-application")
# The service is the stack, as POWERTOOLS_SERVICE_NAME says: two stages count apart.
metrics = Metrics(namespace="recdrop")
_counting = threading.Lock()

Task = Callable[[dict[str, Any]], object]
Handler = Callable[[dict[str, Any], Any], Any]
_WAITING = (errors.ResourcePending, errors.LeaseHeld)  # not failures: Retry is the timer


def task(function: Task) -> Handler:
    """A Lambda handler of a pipeline task: logs its start and end, counts them, answers plain JSON.

    What boto3 raised outside `aws.call` gets the name that the state machine retries by here.
    """

    @wraps(function)
    def handler(event: dict[str, Any], context: Any) -> Any:  # noqa: ARG001 - Lambda's signature
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(task=function.__name__, **_identity(event))
        try:
            result = function(event)
        except _WAITING as pending:
            logger.info("pending", extra={"waiting_for": str(pending)})
            raise
        except Exception as error:
            _count("TaskFailed", function.__name__)
            logger.exception("failed")
            translated = aws.translate(error)
            if translated is error:
                raise
            raise translated from error
        _count("TaskSucceeded", function.__name__)
        logger.info("done")
        return msgspec.to_builtins(result)

    return handler


def _identity(event: dict[str, Any]) -> dict[str, str]:
    return {key: event[key] for key in ("run", "group", "solution", "dataset") if key in event}


def _count(name: str, task_name: str) -> None:
    # At AWS a process runs one task at a time, on a laptop it runs many.
    with _counting:
        metrics.add_dimension(name="task", value=task_name)
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
