"""The pipeline's state machine: start an execution once, read what one has done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib import names
from chalicelib.aws import call
from chalicelib.errors import AlreadyExists, Missing

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class StateMachine:
    client: SFNClient
    arn: str

    def start(self, group: str, run: str) -> None:
        """Same name and same input: whoever asks again finds the first execution."""
        given = json.dumps({"group": group, "run": run}, sort_keys=True, separators=(",", ":"))
        try:
            call(
                self.client.start_execution,
                stateMachineArn=self.arn,
                name=names.execution(group, run),
                input=given,
            )
        except AlreadyExists:
            return

    def status(self, group: str, run: str) -> str | None:
        """How far the run's execution is, in Step Functions' words; None when there is none."""
        prefix = self.arn.replace(":stateMachine:", ":execution:")
        arn = f"{prefix}:{names.execution(group, run)}"
        try:
            return str(call(self.client.describe_execution, executionArn=arn)["status"])
        except Missing:
            return None

    def history(self, execution_arn: str) -> list[dict[str, Any]]:
        """The events of an execution, oldest first, as Step Functions gives them."""
        pages = self.client.get_paginator("get_execution_history")
        listed = call(lambda: list(pages.paginate(executionArn=execution_arn)))
        return [dict(event) for page in listed for event in page["events"]]
