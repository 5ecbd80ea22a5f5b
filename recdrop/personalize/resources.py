"""What a kind of resource is: a declaration. The operations on it are generic (`control.py`,
`lifecycle.py`).

Wire names follow from the noun: `Campaign` has `CreateCampaign`, `DescribeCampaign` answering
`campaign`, `campaignArn`, `ListCampaigns`, and so on; botocore's shapes say the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recdrop.personalize.store import Resource
from recdrop.personalize.world import Request, World

Doc = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """What a request alone does not say of a new resource."""

    doc: Doc = field(default_factory=dict)
    notes: Doc = field(default_factory=dict)


@dataclass(frozen=True)
class QuotaRule:
    """At most `quota` resources of the kind in one of `states` (None: in any) per value of `scope`
    (None: region).
    """

    quota: str
    scope: str | None = None
    states: frozenset[str] | None = None


@dataclass(frozen=True)
class Update:
    """How the kind changes: under a nested member with a status of its own, or at once (`member`
    None).

    `check` may refuse and answers the members of the nested record; `apply` puts them in force.
    """

    member: str | None
    check: Callable[[World, Resource, Request], Doc]
    apply: Callable[[World, Resource, Doc], Resource]


def no_draft(_world: World, _request: Request) -> Draft:
    return Draft()


def always_deletable(_world: World, _resource: Resource) -> None:
    return None


def as_it_is(_world: World, resource: Resource) -> Doc:
    return resource.doc


@dataclass(frozen=True)
class Kind:
    """`jobs` and `done` are by course (see `lifecycle.COURSES`): the work to do, and what its
    result changes.
    """

    noun: str
    tail: str | Callable[[World, Request], str]
    prepare: Callable[[World, Request], Draft] = no_draft
    course: str | None = "create"
    quotas: tuple[QuotaRule, ...] = ()
    jobs: Mapping[str, Callable[[World, Resource], Doc]] = field(default_factory=dict)
    done: Mapping[str, Callable[[World, Resource, Doc], Resource]] = field(default_factory=dict)
    update: Update | None = None
    check_delete: Callable[[World, Resource], None] = always_deletable
    show: Callable[[World, Resource], Doc] = as_it_is

    @property
    def member(self) -> str:
        return self.noun[0].lower() + self.noun[1:]

    @property
    def arn_member(self) -> str:
        return f"{self.member}Arn"


PENDING = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS", "PENDING", "IN_PROGRESS"})
