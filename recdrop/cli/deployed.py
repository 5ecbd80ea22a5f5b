"""A recdrop at AWS: a CloudFormation stack, found by its name with the caller's own credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

from recdrop.cli.common import UNREACHABLE, USAGE, CliError, Json
from recdrop.cli.logreading import CloudWatchLog, Log, Wanted
from recdrop.cli.target import Target

T = TypeVar("T")
FUNCTION, LOG_GROUP, ALARM = (
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::CloudWatch::Alarm",
)
ALARMS_IN_A_CALL = 100


class Deployed(Target):
    """A deployed stack. Names are its outputs; functions and alarms are among its resources.

    Credentials, profile and region come from boto3's own chain.
    """

    # A call costs something and is counted; a run takes minutes at least.
    look_seconds = 5.0
    # The queue's counts may be a minute behind, as its documentation says.
    settled_seconds = 60.0
    # Most of a run is Personalize's training, which takes an hour or several.
    run_seconds = 6 * 3600.0
    follow_seconds = 5.0

    def __init__(self, stack: str, region: str | None = None, endpoint: str | None = None) -> None:
        self.option = f" --stack {stack}"
        self._name = stack
        self._wanted_region = region
        self._endpoint = endpoint
        self._clients: dict[str, Any] = {}

    @property
    def place(self) -> str:
        return f"Stack {self._name!r}"

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        found = self._stack().get("Outputs", ())
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, endpoint_url=self._endpoint)
        return self._clients[service]

    def table(self, name: str) -> Any:
        return self._session.resource("dynamodb", endpoint_url=self._endpoint).Table(name)

    @cached_property
    def _session(self) -> Any:
        import boto3

        session = boto3.session.Session(region_name=self._wanted_region)
        if session.region_name is None:
            raise CliError(
                USAGE,
                f"No region says where stack {self._name!r} is.",
                "Give --region, or set AWS_REGION or the region of your profile.",
            )
        return session

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for pause in self.pauses():
            status = self._stack()["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return
            if time.monotonic() > deadline:
                raise CliError(UNREACHABLE, f"{self.place} is {status} after {seconds:.0f} s.")
            time.sleep(pause)

    def open_log(self, wanted: Wanted) -> Log:
        return CloudWatchLog(self.client("logs"), self._log_groups(), wanted)

    def patiently(self, look: Callable[[], T | None]) -> T | None:
        """A look fails while a laptop sleeps or changes its network, and a run takes hours."""
        from chalicelib.aws import translate
        from chalicelib.errors import ServiceUnavailable, Throttled

        try:
            return look()
        except Exception as error:
            if isinstance(translate(error), ServiceUnavailable | Throttled):
                return None
            raise

    def describe(self) -> Json:
        stack = self._stack()
        status, region = stack["StackStatus"], str(self._session.region_name)
        account = stack["StackId"].split(":")[4]
        return {
            "stack": self._name,
            "status": status,
            "region": region,
            "account": account,
            "outputs": dict(self.outputs),
            "summary": [f"{self.place} in {region} of account {account}: {status}"],
        }

    def alarms(self) -> Sequence[tuple[str, str]]:
        names = [physical for _, physical in self._resources(ALARM)]
        found: list[tuple[str, str]] = []
        for start in range(0, len(names), ALARMS_IN_A_CALL):
            asked = names[start : start + ALARMS_IN_A_CALL]
            answer = self.client("cloudwatch").describe_alarms(AlarmNames=asked)
            found += [(a["AlarmName"], a["StateValue"]) for a in answer["MetricAlarms"]]
        return sorted(found)

    def _stack(self) -> Mapping[str, Any]:
        """What CloudFormation says of the stack now."""
        with self._named():
            answer = self.client("cloudformation").describe_stacks(StackName=self._name)
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found

    def _resources(self, *kinds: str) -> list[tuple[str, str]]:
        """Logical and physical names of the stack's resources of some kinds."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        with self._named():
            listed = list(pages.paginate(StackName=self._name))
        return [
            (resource["LogicalResourceId"], resource["PhysicalResourceId"])
            for page in listed
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] in kinds and resource.get("PhysicalResourceId")
        ]

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Calls of CloudFormation that name the stack.

        Raises:
            CliError: there is none of that name.
        """
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            told = error.response["Error"]
            if told["Code"] != "ValidationError" or "does not exist" not in told["Message"]:
                raise
            raise CliError(
                UNREACHABLE,
                f"No stack {self._name!r} in region {self._session.region_name!r} of this account.",
                "Name another region with --region, another account with AWS_PROFILE.",
            ) from error

    def _log_groups(self) -> dict[str, str]:
        """The log groups, by the names that the template has for what writes them."""
        functions = {
            logical: f"/aws/lambda/{physical}" for logical, physical in self._resources(FUNCTION)
        }
        known = set(functions.values())
        others = {
            logical: group for logical, group in self._resources(LOG_GROUP) if group not in known
        }
        return functions | others
