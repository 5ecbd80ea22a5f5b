"""What a rule of Personalize may see and do while one request or step is handled."""

from __future__ import annotations

from dataclasses import dataclass

from recdrop.personalize.control.catalog import Catalog
from recdrop.personalize.control.courses import COMING
from recdrop.personalize.control.latency import Latency
from recdrop.personalize.errors import InUseError, InvalidInputError, NotFoundError
from recdrop.service.errors import ServiceError
from recdrop.service.resources import world
from recdrop.service.resources.store import Resource


@dataclass(frozen=True, kw_only=True)
class Settings(world.Settings):
    """What does not change while the server runs.

    training_seconds  the budget of the search in one training
    mixed_filters     whether filter expressions may mix AND with OR
    sts_endpoint      where the service assumes the roles that it is given; None: it works with the
                      credentials of its own process
    cloudwatch_endpoint  where its metrics go; None: nowhere
    strict            whether to refuse what the service was only seen to accept
    """

    latency: Latency
    catalog: Catalog
    training_seconds: float = 30.0
    mixed_filters: bool = False
    sts_endpoint: str | None = None
    strict: bool = False
    cloudwatch_endpoint: str | None = None


@dataclass(frozen=True)
class World(world.World[Settings]):
    """The service's store and settings, and how Personalize finds its resources."""

    def arn(self, tail: str) -> str:
        """The ARN of a resource in this region and account."""
        return f"arn:aws:personalize:{self.settings.region}:{self.settings.account}:{tail}"

    def find(self, arn: str, kind: str) -> Resource:
        """The resource, in whatever state.

        Raises:
            NotFoundError: there is none of that kind.
        """
        resource = self.tx.get(arn)
        if resource is None or resource.kind != kind:
            raise NotFoundError.of(arn)
        return resource

    def find_coming(self, arn: str, kind: str) -> tuple[Resource, list[str]]:
        """The resource, ACTIVE or on its way there, and a warning in the latter case.

        The service's documents ask for ACTIVE, and published code does not wait for it.

        Raises:
            NotFoundError: there is none of that kind.
            InUseError: it is on its way elsewhere, or on its way there and `strict` refuses it.
            InvalidInputError: it failed.
        """
        resource = self.find(arn, kind)
        if self.settings.strict or resource.status not in COMING:
            return self.find_active(arn, kind), []
        return resource, [
            f"{arn} is in status {resource.status}. Expected the {kind} to be ACTIVE."
        ]

    def find_active(
        self, arn: str, kind: str, *, busy: type[ServiceError] = InUseError
    ) -> Resource:
        """The resource, ACTIVE.

        Raises:
            NotFoundError: there is none of that kind.
            ServiceError: `busy`, when it is on its way somewhere.
            InvalidInputError: it failed, or was stopped.
        """
        resource = self.find(arn, kind)
        if resource.status == "ACTIVE":
            return resource
        is_moving = resource.status.endswith(("PENDING", "IN_PROGRESS", "STOPPING"))
        error = busy if is_moving else InvalidInputError
        raise error(
            f"{arn} is in status {resource.status}. "
            f"Expected the {kind} to be ACTIVE before it is used."
        )

    def in_group(self, kind: str, group_arn: str) -> list[Resource]:
        """The resources of a kind in a dataset group, oldest first."""
        return [
            resource
            for resource in self.tx.all(kind)
            if resource.doc.get("datasetGroupArn") == group_arn
        ]
