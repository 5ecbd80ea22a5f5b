"""The environment that leads boto3 to the stack."""

from __future__ import annotations

import os

import pytest

from recdrop.local.process import aws_environment, set_variables

URL = "http://127.0.0.1:4566"


def test_what_would_win_over_the_stack_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.example")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    environment = aws_environment(URL)
    assert environment["AWS_ENDPOINT_URL"] == URL
    assert environment["AWS_ENDPOINT_URL_S3"] is None
    assert environment["NO_PROXY"] == "intranet.example,127.0.0.1"


def test_a_users_own_credentials_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    environment = aws_environment(URL)
    assert environment["AWS_ACCESS_KEY_ID"] == "mine"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "recdrop"


def test_variables_are_set_removed_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("ADDED", raising=False)
    before = set_variables({"KEPT": None, "ADDED": "now"})
    assert ("KEPT" in os.environ, os.environ["ADDED"]) == (False, "now")
    set_variables(before)
    assert (os.environ["KEPT"], "ADDED" in os.environ) == ("before", False)
