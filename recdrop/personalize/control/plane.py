"""The control plane: the operations on resources, written once for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from recdrop.personalize.control.pages import page
from recdrop.personalize.control.tags import TAG_OPERATIONS, checked_tags
from recdrop.personalize.control.world import World
from recdrop.personalize.errors import (
    AlreadyExistsError,
    InUseError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
)
from recdrop.service.resources.kinds import Kind, QuotaRule
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Doc, Request
from recdrop.service.wire.specification import Operation, member_of_kind

CATALOG_KINDS = ("Recipe", "Algorithm", "FeatureTransformation")
Verb = Callable[[World, Operation, Request], Doc]
Special = Callable[[World, Request], Doc]


class ControlPlane:
    """Answers an operation with a document, which the wire reduces to the operation's output shape.

    `specials` are the operations that are not Create, Describe, List, Update or Delete.
    """

    def __init__(self, kinds: Mapping[str, Kind[World]], specials: Mapping[str, Special]) -> None:
        self._kinds = kinds
        self._specials: Mapping[str, Special] = {**TAG_OPERATIONS, **specials}
        self._verbs: Mapping[str, Verb] = {
            "Create": self._create,
            "Describe": self._describe,
            "List": self._list,
            "Update": self._update,
            "Delete": self._delete,
        }

    def handle(self, world: World, operation: Operation, request: Request) -> Doc:
        """The answer's document.

        Raises:
            ServiceError: the operation is refused.
        """
        special = self._specials.get(operation.name)
        if special is not None:
            return special(world, request)
        return self._verbs[operation.verb](world, operation, request)

    def _create(self, world: World, operation: Operation, request: Request) -> Doc:
        kind = self._kinds[operation.noun]
        tail = kind.tail(world, request) if callable(kind.tail) else kind.tail.format_map(request)
        arn = world.arn(tail)
        if world.tx.get(arn):
            raise AlreadyExistsError.of(arn)
        draft = kind.prepare(world, request)
        tags = checked_tags(world, {}, request.get("tags", ()))
        doc = {name: value for name, value in request.items() if name != "tags"}
        dates = {"creationDateTime": world.now, "lastUpdatedDateTime": world.now}
        doc = {**doc, **draft.doc, kind.arn_member: arn, **dates}
        resource = Resource(arn, kind.noun, doc, draft.notes, tags)
        for rule in kind.quotas:
            _check_quota(world, resource, rule)
        resource = world.tx.put(resource)
        if kind.course:
            resource = world.lifecycle.start(world, resource, kind.course)
        return resource.doc

    def _describe(self, world: World, operation: Operation, request: Request) -> Doc:
        assert operation.output is not None  # noqa: S101 - a Describe without an answer cannot be
        wrapper, _ = member_of_kind(operation.output, "structure")
        [arn] = request.values()
        if operation.noun in CATALOG_KINDS:
            owned = world.settings.catalog.get(arn)
            if owned is None or owned.kind != operation.noun:
                raise NotFoundError.of(arn)
            return {wrapper: owned.doc}
        kind = self._kinds[operation.noun]
        return {wrapper: kind.show(world, world.find(arn, kind.noun))}

    def _list(self, world: World, operation: Operation, request: Request) -> Doc:
        noun = operation.noun.removesuffix("s")
        found = world.settings.catalog.all(noun) if noun in CATALOG_KINDS else world.tx.all(noun)
        wanted = {
            name: value
            for name, value in request.items()
            if name not in ("nextToken", "maxResults")
        }
        # The one list that refuses a parent that does not exist; others answer an empty list.
        if noun == "SolutionVersion" and "solutionArn" in wanted:
            world.find(wanted["solutionArn"], "Solution")
        rows = [
            row for row in found if all(_is_of(row, name, value) for name, value in wanted.items())
        ]
        # A token names the place of the last row shown, so that pages stay true while rows come and
        # go. What Amazon owns has no place in the order of creation, and does not change.
        kind = self._kinds.get(noun)
        placed = [
            (row.seq or place, kind.show(world, row) if kind else row.doc)
            for place, row in enumerate(rows, start=1)
        ]
        return page(operation, request, placed)

    def _update(self, world: World, operation: Operation, request: Request) -> Doc:
        kind = self._kinds[operation.noun]
        assert kind.update is not None  # noqa: S101 - the kinds with an Update operation declare one
        if kind.arn_member not in request:  # UpdateMetricAttribution does not model it as required
            raise InvalidInputError(f"{kind.arn_member} is missing.")
        resource = world.find(request[kind.arn_member], kind.noun)
        change = kind.update.check(world, resource, request)
        if kind.update.member is None:
            resource = kind.update.apply(world, resource, change).with_doc(
                lastUpdatedDateTime=world.now
            )
            return world.tx.put(resource).doc
        _refuse_while_changing(resource, kind.update.member)
        record = {**change, "creationDateTime": world.now, "lastUpdatedDateTime": world.now}
        resource = resource.with_doc(**{kind.update.member: record})
        return world.lifecycle.start(world, resource, "create", update=kind.update.member).doc

    def _delete(self, world: World, operation: Operation, request: Request) -> Doc:
        kind = self._kinds[operation.noun]
        resource = world.find(request[kind.arn_member], kind.noun)
        if resource.status not in ("ACTIVE", "INACTIVE", "CREATE FAILED", "DELETE FAILED"):
            raise InUseError(
                f"{resource.arn} is in status {resource.status}. Expected ACTIVE or CREATE FAILED."
            )
        if kind.update and kind.update.member:
            _refuse_while_changing(resource, kind.update.member)
        kind.check_delete(world, resource)
        if kind.leaving is None:
            world.tx.delete(resource)
        else:
            world.lifecycle.start(world, resource, kind.leaving)
        return {}


def _is_of(row: Resource, member: str, value: object) -> bool:
    """Whether a List with this parameter shows the row."""
    if row.doc.get(member) == value:
        return True
    # Seen: ListCampaigns takes the ARN of a solution version for that of its solution.
    return member == "solutionArn" and value in (
        row.doc.get("solutionVersionArn"),
        row.notes.get("version"),
    )


def _check_quota(world: World, resource: Resource, rule: QuotaRule) -> None:
    limit = world.settings.quotas[rule.quota]
    counted = world.tx.all(resource.kind)
    if rule.states is not None:
        counted = [other for other in counted if other.status in rule.states]
    if rule.scope is not None:
        scope = resource.doc.get(rule.scope)
        counted = [other for other in counted if other.doc.get(rule.scope) == scope]
    if len(counted) < limit:
        return
    if rule.states is not None:
        raise LimitExceededError(f"More than {limit} resources with PENDING or IN_PROGRESS status.")
    name = " ".join(_words(resource.kind))  # "batch inference job"
    raise LimitExceededError(
        f"Cannot create a {name}. More than {limit} resources in ACTIVE state. "
        "Please delete some and try again."
    )


def _words(noun: str) -> list[str]:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in noun).split()


def _refuse_while_changing(resource: Resource, member: str) -> None:
    status = resource.doc.get(member, {}).get("status")
    if status in ("CREATE PENDING", "CREATE IN_PROGRESS"):
        raise InUseError(f"{resource.arn} is being updated: {member} is in status {status}.")
