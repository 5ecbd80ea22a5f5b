"""AWS clients: the only module of chalicelib that imports boto3, and only when a client is first
asked for.

Endpoints come from AWS_ENDPOINT_URL*, which boto3 honours itself: nothing here knows where it runs.
"""

from __future__ import annotations

from functools import cache
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


def _config(**overrides: Any) -> Any:
    from botocore.config import Config

    return Config(
        **{"connect_timeout": 5, "read_timeout": 60, "retries": {"mode": "standard"}, **overrides}
    )


@cache
def _client(service: str) -> Any:
    import boto3

    return boto3.client(service, config=_config(**_OVERRIDES.get(service, {})))  # type: ignore[call-overload]


_OVERRIDES: dict[str, dict[str, Any]] = {
    # "standard" takes "5 imports are running already" (LimitExceededException) for a throttle and
    # waits inside the Lambda; "legacy" does not. Step Functions does the long waiting.
    "personalize": {"retries": {"mode": "legacy", "max_attempts": 2}},
    # The serving layer retries by itself, within its deadline.
    "personalize-runtime": {
        "connect_timeout": 1,
        "read_timeout": 3,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "max_pool_connections": 50,
    },
    "personalize-events": {
        "connect_timeout": 1,
        "read_timeout": 3,
        "retries": {"mode": "standard", "total_max_attempts": 1},
    },
    "dynamodb": {"connect_timeout": 1, "read_timeout": 3},
}


def s3() -> S3Client:
    client: S3Client = _client("s3")
    return client


def personalize() -> PersonalizeClient:
    client: PersonalizeClient = _client("personalize")
    return client


def personalize_runtime() -> PersonalizeRuntimeClient:
    client: PersonalizeRuntimeClient = _client("personalize-runtime")
    return client


def personalize_events() -> PersonalizeEventsClient:
    client: PersonalizeEventsClient = _client("personalize-events")
    return client


def sqs() -> SQSClient:
    client: SQSClient = _client("sqs")
    return client


def sns() -> SNSClient:
    client: SNSClient = _client("sns")
    return client


def stepfunctions() -> SFNClient:
    client: SFNClient = _client("stepfunctions")
    return client


@cache
def dynamodb_table(name: str) -> Table:
    import boto3

    return boto3.resource("dynamodb", config=_config(**_OVERRIDES["dynamodb"])).Table(name)


def forget() -> None:
    """Drops every cached client: the endpoint or the credentials in the environment have changed."""
    _client.cache_clear()
    dynamodb_table.cache_clear()
