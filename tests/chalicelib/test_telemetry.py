"""A task's lines, errors and answers are what Step Functions and CloudWatch expect."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib import errors, telemetry
from chalicelib.documents import Score
from chalicelib.telemetry import task

EVENT = {"run": "r", "group": "g"}


def test_a_task_answers_plain_json() -> None:
    @task
    def score(event: dict[str, Any]) -> object:
        return Score(action="hold", evidence="worse")

    assert score(EVENT, None) == {"action": "hold", "evidence": "worse"}


def test_what_boto_raised_gets_the_name_that_the_state_machine_retries() -> None:
    @task
    def fails(event: dict[str, Any]) -> None:
        raise ReadTimeoutError(endpoint_url="http://x")

    with pytest.raises(errors.ServiceUnavailable):
        fails(EVENT, None)


def test_a_mistake_of_ours_keeps_its_name() -> None:
    @task
    def fails(event: dict[str, Any]) -> None:
        raise KeyError("solution")

    with pytest.raises(KeyError):
        fails(EVENT, None)


def test_waiting_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def waits(event: dict[str, Any]) -> None:
        raise errors.ResourcePending("campaign 'x': CREATE IN_PROGRESS")

    with pytest.raises(errors.ResourcePending):
        waits(EVENT, None)
    assert "TaskFailed" not in capsys.readouterr().out


def test_the_laptops_loggers_are_no_children_of_the_lambdas_logger() -> None:
    parent: logging.Logger | None = logging.getLogger("recdrop.local.stack")
    while parent is not None:
        assert parent.name != telemetry.logger.service
        parent = parent.parent


@pytest.mark.filterwarnings("error")
def test_tasks_of_many_threads_are_counted_each_by_its_own_name() -> None:
    @task
    def counts(event: dict[str, Any]) -> None:
        pass

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: counts(EVENT, None), range(200))) == [None] * 200
