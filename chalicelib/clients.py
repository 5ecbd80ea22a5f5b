"""AWS clients: the only module of chalicelib that imports boto3, and only when a client is first asked for.

Endpoints come from AWS_ENDPOINT_URL*, which boto3 honours itself: nothing here knows where it runs.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 60,
    "retries": {"mode": "standard"},
}
_SOON = {"connect_timeout": 1, "read_timeout": 3}
_OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    # "standard" takes "5 imports are running already" (LimitExceededException) for a throttle and
    # waits inside the Lambda; "legacy" does not. Step Functions does the long waiting.
    "personalize": {"retries": {"mode": "legacy", "max_attempts": 2}},
    # The serving layer retries by itself, within its deadline.
    "personalize-runtime": {
        **_SOON,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "max_pool_connections": 50,
    },
    "personalize-events": {**_SOON, "retries": {"mode": "standard", "total_max_attempts": 1}},
    "dynamodb": _SOON,
}


# boto3's default session is not thread-safe while it makes a client.
_MAKING = threading.Lock()


def _made(service: str) -> Any:
    """The client of a service, as a property that makes it once."""

    def make(_clients: Clients) -> Any:
        import boto3

        with _MAKING:
            return boto3.client(service, config=_config(service))  # type: ignore[call-overload]

    return cached_property(make)


def _config(service: str) -> Any:
    from botocore.config import Config

    return Config(**{**_DEFAULTS, **_OVERRIDES.get(service, {})})


class Clients:
    """One client per service, made when it is first asked for and kept."""

    s3: S3Client = _made("s3")
    personalize: PersonalizeClient = _made("personalize")
    personalize_runtime: PersonalizeRuntimeClient = _made("personalize-runtime")
    personalize_events: PersonalizeEventsClient = _made("personalize-events")
    sqs: SQSClient = _made("sqs")
    sns: SNSClient = _made("sns")
    stepfunctions: SFNClient = _made("stepfunctions")

    def table(self, name: str) -> Table:
        import boto3

        with _MAKING:
            return boto3.resource("dynamodb", config=_config("dynamodb")).Table(name)
