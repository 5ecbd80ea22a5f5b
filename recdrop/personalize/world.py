"""What a rule of the service may see and do while one request or step is handled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recdrop.personalize.catalog import Catalog
from recdrop.personalize.errors import InUseError, InvalidInputError, NotFoundError, ServiceError
from recdrop.personalize.latency import Latency
from recdrop.personalize.quotas import Quotas
from recdrop.personalize.store import Resource, Transaction

Request = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """What does not change while the server runs."""

    data_dir: Path
    s3_endpoint: str | None
    region: str
    account: str
    seed: int
    latency: Latency
    quotas: Quotas
    catalog: Catalog
    training_seconds: float = 30.0
    mixed_filters: bool = False


class Mover(Protocol):
    """The lifecycle, as far as rules need it."""

    def start(
        self, world: World, resource: Resource, course: str, update: str | None = None
    ) -> Resource: ...


@dataclass(frozen=True)
class World:
    tx: Transaction
    now: float
    settings: Settings
    lifecycle: Mover

    def arn(self, tail: str) -> str:
        return f"arn:aws:personalize:{self.settings.region}:{self.settings.account}:{tail}"

    def new_id(self, purpose: str) -> str:
        """32 hex digits, the same in every run with the same seed and history."""
        number = self.tx.next_number("id")
        return hashlib.sha256(f"{self.settings.seed}:{purpose}:{number}".encode()).hexdigest()[:32]

    def find(self, arn: str, kind: str) -> Resource:
        """The resource, in whatever state."""
        resource = self.tx.get(arn)
        if resource is None or resource.kind != kind:
            raise NotFoundError.of(arn)
        return resource

    def find_active(
        self, arn: str, kind: str, *, busy: type[ServiceError] = InUseError
    ) -> Resource:
        """The resource, ACTIVE.

        One on its way somewhere is in use (`busy`); one that failed or stopped is bad input.
        """
        resource = self.find(arn, kind)
        if resource.status != "ACTIVE":
            error = (
                busy
                if resource.status.endswith(("PENDING", "IN_PROGRESS", "STOPPING"))
                else InvalidInputError
            )
            raise error(
                f"{arn} is in status {resource.status}. Expected the {kind} to be ACTIVE before it is used."
            )
        return resource

    def in_group(self, kind: str, group_arn: str) -> list[Resource]:
        return [
            resource
            for resource in self.tx.all(kind)
            if resource.doc.get("datasetGroupArn") == group_arn
        ]
