"""The environment of a Lambda as typed values, each read when it is first asked for, never at import.

A function asks for what it uses: the API needs two of these variables, the pipeline seven.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.errors import ConfigurationError

# How long nothing may arrive before an export without a manifest counts as complete.
QUIET_SECONDS = 60
# How long a manifest or a marker waits for what it promises.
DEADLINE_SECONDS = 3600


@dataclass(frozen=True)
class Settings:
    """Names of what the merge template makes (infrastructure/resources.json), and times in seconds.

    Raises:
        ConfigurationError: the variable of a property is not set, or is no whole number of seconds.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def drop_bucket(self) -> str:
        return self._text("DROP_BUCKET")

    @property
    def work_bucket(self) -> str:
        return self._text("WORK_BUCKET")

    @property
    def table_name(self) -> str:
        return self._text("TABLE_NAME")

    @property
    def queue_url(self) -> str:
        return self._text("QUEUE_URL")

    @property
    def topic_arn(self) -> str:
        return self._text("TOPIC_ARN")

    @property
    def state_machine_arn(self) -> str:
        return self._text("STATE_MACHINE_ARN")

    @property
    def personalize_role_arn(self) -> str:
        return self._text("PERSONALIZE_ROLE_ARN")

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack, which people name to `recdrop`; "" on a laptop."""
        return self.environment.get("STACK_NAME", "")

    @property
    def quiet_seconds(self) -> int:
        return self._seconds("QUIET_SECONDS", QUIET_SECONDS)

    @property
    def deadline_seconds(self) -> int:
        return self._seconds("DEADLINE_SECONDS", DEADLINE_SECONDS)

    def _text(self, name: str) -> str:
        value = self.environment.get(name)
        if not value:
            raise ConfigurationError(
                f"Environment variable {name} is not set. The template sets it for every function."
            )
        return value

    def _seconds(self, name: str, default: int) -> int:
        value = self.environment.get(name)
        if value is None:
            return default
        if not value.isdigit():
            raise ConfigurationError(
                f"{name} has value {value!r}. Expected a whole number of seconds."
            )
        return int(value)
