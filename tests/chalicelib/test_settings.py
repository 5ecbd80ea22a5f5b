from __future__ import annotations

import pytest

from chalicelib.errors import ConfigurationError
from chalicelib.settings import DEADLINE_SECONDS, QUIET_SECONDS, Settings


def test_a_variable_is_asked_for_when_it_is_used_and_named_when_it_is_missing() -> None:
    settings = Settings({"TABLE_NAME": "ledger", "WORK_BUCKET": "work"})
    assert (settings.table_name, settings.work_bucket) == ("ledger", "work")
    with pytest.raises(ConfigurationError, match="TOPIC_ARN is not set"):
        _ = settings.topic_arn


def test_times_have_defaults_and_must_be_whole_seconds() -> None:
    assert Settings({}).quiet_seconds == QUIET_SECONDS
    assert Settings({}).deadline_seconds == DEADLINE_SECONDS
    assert Settings({"QUIET_SECONDS": "5"}).quiet_seconds == 5
    with pytest.raises(ConfigurationError, match="QUIET_SECONDS has value 'soon'"):
        _ = Settings({"QUIET_SECONDS": "soon"}).quiet_seconds


def test_a_laptop_has_no_stack_to_name() -> None:
    assert Settings({}).stack_name == ""
    assert Settings({"STACK_NAME": "recdrop-prod"}).stack_name == "recdrop-prod"


def test_an_empty_variable_counts_as_missing() -> None:
    with pytest.raises(ConfigurationError, match="DROP_BUCKET"):
        _ = Settings({"DROP_BUCKET": ""}).drop_bucket
