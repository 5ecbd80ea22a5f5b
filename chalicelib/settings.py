"""The environment of a Lambda as one typed value. Read when first needed, never at import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from chalicelib.errors import ConfigurationError


@dataclass(frozen=True)
class Settings:
    """Names of what the merge template makes (infrastructure/resources.json), and two times in
    seconds.

    `quiet_seconds`: how long nothing may arrive before an export without a manifest counts as
    complete. `deadline_seconds`: how long a manifest or a marker waits for what it promises.
    """

    drop_bucket: str
    work_bucket: str
    table_name: str
    queue_url: str
    topic_arn: str
    state_machine_arn: str
    personalize_role_arn: str
    quiet_seconds: int = 60
    deadline_seconds: int = 3600

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads DROP_BUCKET, WORK_BUCKET, ...

        Raises ConfigurationError that names every variable that is missing.
        """
        names = [field.name for field in fields(cls) if field.type == "str"]
        missing = [name.upper() for name in names if not environment.get(name.upper())]
        if missing:
            raise ConfigurationError(
                f"Environment variables not set: {', '.join(missing)}. The template sets them all."
            )
        times = {
            name: _seconds(environment, name)
            for name in ("quiet_seconds", "deadline_seconds")
            if name.upper() in environment
        }
        values: dict[str, Any] = {name: environment[name.upper()] for name in names} | times
        return cls(**values)

    @property
    def account(self) -> str:
        return self.personalize_role_arn.split(":")[4]

    @property
    def partition(self) -> str:
        return self.personalize_role_arn.split(":")[1]


def _seconds(environment: Mapping[str, str], name: str) -> int:
    value = environment[name.upper()]
    if not value.isdigit():
        raise ConfigurationError(
            f"{name.upper()} has value {value!r}. Expected a whole number of seconds."
        )
    return int(value)
