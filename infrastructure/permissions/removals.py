"""What would be refused without an allow: every single one is taken away, one at a time.

An allow is an action of a statement, or a resource of one that lists several. It is needed when some
recorded request is refused without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from recdrop.local.iam.policy import Policy, Request
from recdrop.local.iam.recording import PolicySet

Json = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Allow:
    """One thing that a statement allows: an action, or a resource out of several."""

    policy: str
    statement: str
    what: str

    def __str__(self) -> str:
        return f"{self.policy}/{self.statement}/{self.what}"


@dataclass(frozen=True)
class Findings:
    """What became of all removals.

    `excused` are unneeded allows with the reason to keep them; `idle` are reasons that excuse
    nothing.
    """

    needed: frozenset[Allow]
    unused: frozenset[Allow]
    excused: Mapping[Allow, str]
    idle: tuple[str, ...] = field(default=())

    @property
    def total(self) -> int:
        """How many allows there are."""
        return len(self.needed) + len(self.unused) + len(self.excused)


def find(
    recording: Iterable[tuple[PolicySet, Sequence[Request]]], reasons: Mapping[str, str]
) -> Findings:
    """Try every removal under every set of policies in a recording.

    An allow is needed when it is under one of them: no test uses all that there is.
    `reasons` says why an allow is kept though nothing needs it, by a pattern of its text.
    """
    every: set[Allow] = set()
    needed: set[Allow] = set()
    for policies, requests in recording:
        every |= set(all_allows(policies))
        needed |= needed_allows(policies, requests)
    excused: dict[Allow, str] = {}
    idle = set(reasons)
    for allow in sorted(every - needed):
        for pattern in (one for one in reasons if fnmatchcase(str(allow), one)):
            excused.setdefault(allow, reasons[pattern])
            idle.discard(pattern)
    return Findings(
        needed=frozenset(needed),
        unused=frozenset(every - needed - excused.keys()),
        excused=excused,
        idle=tuple(sorted(idle)),
    )


def all_allows(policies: PolicySet) -> Iterator[Allow]:
    """Everything that any policy of a stack allows."""
    for changed in removals(policies):
        yield changed[0]


def needed_allows(policies: PolicySet, requests: Sequence[Request]) -> set[Allow]:
    """The allows without which some request is refused.

    A request that these policies refuse as they are proves nothing: a test had changed them.
    """
    allowed = [request for request in requests if policies.judge(request).allowed]
    return {
        allow
        for allow, without in removals(policies)
        if any(not without.judge(request).allowed for request in allowed)
    }


def removals(policies: PolicySet) -> Iterator[tuple[Allow, PolicySet]]:
    """Each allow, and the policies without it."""
    for arn, listed in policies.identity.items():
        for place, policy in enumerate(listed):
            for allow, changed in without_one(policy):
                others = [*listed[:place], changed, *listed[place + 1 :]]
                yield allow, replace(policies, identity={**policies.identity, arn: others})
    for arn, policy in policies.trust.items():
        for allow, changed in without_one(policy):
            yield allow, replace(policies, trust={**policies.trust, arn: changed})
    for arn, policy in policies.resources.items():
        for allow, changed in without_one(policy):
            yield allow, replace(policies, resources={**policies.resources, arn: changed})


def without_one(policy: Policy) -> Iterator[tuple[Allow, Policy]]:
    """Each allow of a policy, and the policy without it. Places of statements stay as they are."""
    documents = policy.document["Statement"]
    documents = [documents] if isinstance(documents, Mapping) else documents
    for place, statement in enumerate(documents):
        if statement["Effect"] != "Allow":
            continue
        label = statement.get("Sid") or f"#{place}"
        for what, changed in shorter(statement):
            whole = [*documents[:place], changed, *documents[place + 1 :]]
            document = {**policy.document, "Statement": whole}
            yield Allow(policy.name, label, what), Policy(policy.name, document)


def shorter(statement: Json) -> Iterator[tuple[str, Json]]:
    """A statement without one of its actions, and without one of its resources if it has more."""
    actions = as_list(statement["Action"])
    for action in actions:
        yield action, {**statement, "Action": [one for one in actions if one != action]}
    resources = as_list(statement.get("Resource", []))
    if len(resources) > 1:
        for resource in resources:
            rest = [one for one in resources if one != resource]
            yield resource.split(":", 5)[-1], {**statement, "Resource": rest}


def as_list(value: Any) -> list[str]:
    """One text or several, as a list."""
    return [value] if isinstance(value, str) else list(value)
