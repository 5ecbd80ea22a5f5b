"""What a kind of resource is: a declaration.

What is done with it is generic: a control plane answers its operations, `lifecycle` moves it.

Wire names follow from the noun: `Campaign` has `CreateCampaign`, `DescribeCampaign` answering
`campaign`, `campaignArn`, `ListCampaigns`, and so on; botocore's shapes say the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request, World

W = TypeVar("W", bound=World[Any])


@dataclass(frozen=True)
class Draft:
    """What a request alone does not say of a new resource."""

    doc: Doc = field(default_factory=dict)
    notes: Doc = field(default_factory=dict)


@dataclass(frozen=True)
class QuotaRule:
    """At most so many resources of the kind as the quota of this name says.

    states  which resources count: those in one of these states; None: all
    scope   the member that says what they are counted in; None: the region
    """

    quota: str
    scope: str | None = None
    states: frozenset[str] | None = None


@dataclass(frozen=True)
class Update(Generic[W]):
    """How a kind changes: as a nested record with a status of its own, or at once.

    member  the nested record, such as `latestCampaignUpdate`; None: at once
    check   may refuse the request, and answers the members of the nested record
    apply   puts them in force
    """

    member: str | None
    check: Callable[[W, Resource, Request], Doc]
    apply: Callable[[W, Resource, Doc], Resource]


def no_draft(_world: World[Any], _request: Request) -> Draft:
    return Draft()


def always_deletable(_world: World[Any], _resource: Resource) -> None:
    return None


def as_it_is(_world: World[Any], resource: Resource) -> Doc:
    return resource.doc


@dataclass(frozen=True)
class Kind(Generic[W]):
    """One kind of resource, by its `noun`.

    tail          the end of its ARN: a text with members of the request, or a function
    prepare       checks a Create and answers what the request alone does not say
    course        the course that a Create sends it on; None: it has no status at all
    leaving       the course that a Delete sends it on; None: it is gone at once
    quotas        how many there may be
    jobs, done    by course: the work order of its job, and what the job's result changes
    update        how it changes; None: it does not
    check_delete  may refuse a Delete
    show          what Describe answers
    """

    noun: str
    tail: str | Callable[[W, Request], str]
    prepare: Callable[[W, Request], Draft] = no_draft
    course: str | None = "create"
    leaving: str | None = "delete"
    quotas: tuple[QuotaRule, ...] = ()
    jobs: Mapping[str, Callable[[W, Resource], Doc]] = field(default_factory=dict)
    done: Mapping[str, Callable[[W, Resource, Doc], Resource]] = field(default_factory=dict)
    update: Update[W] | None = None
    check_delete: Callable[[W, Resource], None] = always_deletable
    show: Callable[[W, Resource], Doc] = as_it_is

    @property
    def member(self) -> str:
        return self.noun[0].lower() + self.noun[1:]

    @property
    def arn_member(self) -> str:
        return f"{self.member}Arn"
