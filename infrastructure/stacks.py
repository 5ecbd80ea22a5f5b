"""What deploying, tearing down and rehearsing share: a stage's stack, its state, its waiters.

boto3 finds the account as every AWS tool does: profile, variables, AWS_ENDPOINT_URL. So the same
commands work on the local CloudFormation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
import click
from botocore.exceptions import ClientError, WaiterError

APPLICATION = "recdrop"
STAGE = r"[a-z][a-z0-9-]{0,19}"
POLL_SECONDS = 5
WAIT_SECONDS = 3600
Make = Callable[[str], Any]


def stack_name(stage: str) -> str:
    """The stack of a stage; every name in it begins with this.

    Raises:
        click.ClickException: the stage cannot be part of a name.
    """
    if not re.fullmatch(STAGE, stage):
        raise click.ClickException(
            f"STAGE is {stage!r}. Expected 1 to 20 lower-case letters, digits or '-', "
            "a letter first."
        )
    return f"{APPLICATION}-{stage}"


def clients(region: str) -> Make:
    """Makes the clients of a region."""
    session = boto3.session.Session(region_name=region)
    return lambda service: session.client(service)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Stack:
    """A CloudFormation stack by its name, which need not exist yet."""

    name: str
    make: Make
    poll_seconds: float = POLL_SECONDS

    @cached_property
    def cloudformation(self) -> Any:
        return self.make("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """What CloudFormation says of the stack; None when there is none."""
        try:
            found = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":  # "does not exist"
                return None
            raise
        return dict(found[0])

    def status(self) -> str | None:
        """The stack's status; None when there is none."""
        described = self.describe()
        return described["StackStatus"] if described else None

    def outputs(self) -> dict[str, str]:
        """The stack's outputs; none when there is no stack."""
        described = self.describe() or {}
        return {
            output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())
        }

    def resources(self, *kinds: str) -> dict[str, str]:
        """Physical names by logical id, of the types that are given."""
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(
            StackName=self.name
        )
        return {
            found["LogicalResourceId"]: found["PhysicalResourceId"]
            for page in pages
            for found in page["StackResourceSummaries"]
            if found["ResourceType"] in kinds
        }

    def wait(self, waiter: str, **what: str) -> None:
        """Wait for a stack, or a change set, to become what the waiter's name says.

        Raises:
            WaiterError: it became something else.
        """
        delay = max(self.poll_seconds, 0.01)
        self.cloudformation.get_waiter(waiter).wait(
            StackName=self.name,
            WaiterConfig={"Delay": delay, "MaxAttempts": int(WAIT_SECONDS / delay)},
            **what,
        )

    def wait_for_end(self, waiter: str, doing: str) -> None:
        """Wait as `wait` does.

        Raises:
            click.ClickException: it failed; the message has the reasons of each resource.
        """
        try:
            self.wait(waiter)
        except WaiterError as error:
            reasons = "\n".join(self.failures()) or str(error)
            raise click.ClickException(
                f"{doing} {self.name!r} ended as {self.status()}:\n{reasons}"
            ) from error

    def failures(self) -> list[str]:
        """What failed, the first failure first: the others follow from it."""
        events = self.cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            f"  {event['LogicalResourceId']} ({event['ResourceType']}): "
            f"{event.get('ResourceStatusReason', 'no reason given')}"
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
        ]

    def delete(self) -> None:
        """Delete the stack and wait for the end.

        Raises:
            click.ClickException: a resource could not be deleted.
        """
        # A deleted stack is found by its id only.
        described = self.describe()
        if described is None:
            return
        self.cloudformation.delete_stack(StackName=self.name)
        self.wait_for_end("stack_delete_complete", "Deleting")
