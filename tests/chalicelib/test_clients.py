from __future__ import annotations

from typing import Any

import pytest

from chalicelib.clients import Clients


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_client_is_made_once_and_knows_the_endpoint_of_the_environment() -> None:
    clients = Clients()
    assert clients.s3 is clients.s3
    assert clients.s3.meta.endpoint_url == "http://127.0.0.1:9"
    assert Clients().s3 is not clients.s3


def test_serving_clients_leave_retries_to_the_caller() -> None:
    """Each attempt of ours would be multiplied by botocore's own."""
    for client in (Clients().personalize_runtime, Clients().personalize_events):
        assert config(client).retries["total_max_attempts"] == 1


def test_the_pipelines_client_does_not_take_a_full_quota_for_a_throttle() -> None:
    """botocore's standard mode waits inside the Lambda on LimitExceededException."""
    assert config(Clients().personalize).retries["mode"] == "legacy"


def test_a_table_has_short_timeouts() -> None:
    table = Clients().table("ledger")
    assert table.name == "ledger"
    assert config(table.meta.client).read_timeout == 3


def config(client: Any) -> Any:
    """botocore's Config has its options as attributes that its stubs do not know."""
    return client.meta.config
