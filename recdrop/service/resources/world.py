"""What a rule of a service may see and do while one request or step is handled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from recdrop.service.resources.latency import Latency
from recdrop.service.resources.quotas import Quotas
from recdrop.service.resources.store import Resource, Transaction

Request = Mapping[str, Any]
Doc = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """What does not change while a server runs; a service adds what is its own."""

    data_dir: Path
    s3_endpoint: str | None
    region: str
    account: str
    seed: int
    latency: Latency
    quotas: Quotas


S = TypeVar("S", bound=Settings)


class Mover(Protocol):
    """The lifecycle, as far as rules need it."""

    def start(
        self, world: World[Any], resource: Resource, course: str, update: str | None = None
    ) -> Resource:
        """Sends a resource, or the record of its update, on a course."""
        ...


@dataclass(frozen=True)
class World(Generic[S]):
    """`now` is the time of the request, or the time at which the step was due."""

    tx: Transaction
    now: float
    settings: S
    lifecycle: Mover

    def new_id(self, purpose: str) -> str:
        """32 hex digits, the same in every run with the same seed and history."""
        number = self.tx.next_number("id")
        return hashlib.sha256(f"{self.settings.seed}:{purpose}:{number}".encode()).hexdigest()[:32]
