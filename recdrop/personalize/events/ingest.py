"""PutEvents, PutActionInteractions, PutItems, PutUsers and PutActions: all of a call or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recdrop.personalize.control.courses import COMING
from recdrop.personalize.control.warnings import warned
from recdrop.personalize.control.world import World
from recdrop.personalize.data.schemas import parse_schema
from recdrop.personalize.data.tables import ID_OF, plain
from recdrop.personalize.errors import InUseError, InvalidInputError, NotFoundError
from recdrop.personalize.events.shown import Shown
from recdrop.service.resources.store import Resource
from recdrop.service.resources.world import Request

# Members of an event; as properties they would be read as columns of that name.
FORBIDDEN = frozenset(
    {"userid", "sessionid", "eventtype", "timestamp", "recommendationid", "impression"}
)
ACTION_EVENTS = ("Taken", "Not Taken", "Viewed")
_COLUMNS = (
    "grp",
    "user_id",
    "session_id",
    "item_id",
    "event_type",
    "event_value",
    "timestamp",
    "event_id",
    "recommendation_id",
    "impression",
    "properties",
    "source",
    "kind",
)
# IGNORE: an event that comes again with the same eventId counts once.
_INSERT = (
    f"INSERT OR IGNORE INTO events ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(f':{column}' for column in _COLUMNS)})"
)


class Ingest:
    """Each method answers one operation.

    `shown` knows the impression of an event that names only a recommendationId.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    def put_events(self, world: World, request: Request) -> dict[str, Any]:
        group = _tracked_group(world, request["trackingId"])
        rows = [self._event_row(group, request, event) for event in request["eventList"]]
        world.tx.execute_many(_INSERT, rows)
        return {}

    def put_action_interactions(self, world: World, request: Request) -> dict[str, Any]:
        group = _action_group(world, request["trackingId"])
        rows = [self._action_row(group, event) for event in request["actionInteractions"]]
        world.tx.execute_many(_INSERT, rows)
        return {}

    def put_items(self, world: World, request: Request) -> dict[str, Any]:
        return _put_records(world, request["datasetArn"], "ITEMS", "itemId", request["items"])

    def put_users(self, world: World, request: Request) -> dict[str, Any]:
        return _put_records(world, request["datasetArn"], "USERS", "userId", request["users"])

    def put_actions(self, world: World, request: Request) -> dict[str, Any]:
        return _put_records(world, request["datasetArn"], "ACTIONS", "actionId", request["actions"])

    def _event_row(self, group: str, request: Request, event: Mapping[str, Any]) -> dict[str, Any]:
        properties = _properties(event)
        forbidden = sorted(name for name in properties if plain(name) in FORBIDDEN)
        if forbidden:
            raise InvalidInputError(
                f"Event properties hold {forbidden[0]!r}, which is a member of its own."
            )
        # Before itemId and eventValue were members of their own, they came as properties.
        item = event.get("itemId") or properties.get("itemId")
        return {
            **self._common(group, event),
            "user_id": request.get("userId"),
            "session_id": request["sessionId"],
            "item_id": str(item) if item is not None else None,
            "event_value": event.get("eventValue", properties.get("eventValue")),
            "timestamp": float(event["sentAt"]),
            "source": event.get("metricAttribution", {}).get("eventAttributionSource"),
            "kind": "interaction",
        }

    def _action_row(self, group: str, event: Mapping[str, Any]) -> dict[str, Any]:
        _properties(event)
        if event["eventType"].lower() not in [name.lower() for name in ACTION_EVENTS]:
            raise InvalidInputError(
                f"eventType is {event['eventType']!r}. Expected one of: {', '.join(ACTION_EVENTS)}."
            )
        return {
            **self._common(group, event),
            "user_id": event.get("userId"),
            "session_id": event["sessionId"],
            "item_id": event["actionId"],
            "event_value": None,
            "timestamp": float(event["timestamp"]),
            "source": None,
            "kind": "action",
        }

    def _common(self, group: str, event: Mapping[str, Any]) -> dict[str, Any]:
        recommendation = event.get("recommendationId")
        impression = event.get("impression") or self._shown.items(recommendation or "")
        return {
            "grp": group,
            "event_type": event["eventType"],
            "event_id": event.get("eventId"),
            "recommendation_id": recommendation,
            "impression": "|".join(impression) or None,
            "properties": event.get("properties"),
        }


def _tracked_group(world: World, tracking_id: str) -> str:
    for tracker in world.tx.all("EventTracker"):
        if tracker.doc["trackingId"] == tracking_id:
            _expect_coming(world, tracker)
            return str(tracker.doc["datasetGroupArn"])
    raise InvalidInputError(f"Tracking id {tracking_id!r} does not exist.")


def _expect_coming(world: World, tracker: Resource) -> None:
    """ACTIVE, or on its way there, which is warned of once: published code does not wait for it."""
    if tracker.status == "ACTIVE":
        return
    said = f"The event tracker is in status {tracker.status}. Expected ACTIVE."
    if world.settings.strict or tracker.status not in COMING:
        raise InvalidInputError(said)
    if "warnings" not in tracker.notes:
        world.tx.put(tracker.with_notes(**warned(tracker.arn, [said])))


def _action_group(world: World, tracking_id: str) -> str:
    """Action interactions come in by the id of their dataset, or by the group's event tracker."""
    for dataset in world.tx.all("Dataset"):
        if dataset.doc.get("trackingId") == tracking_id:
            if dataset.status != "ACTIVE":
                raise InUseError(f"{dataset.arn} is in status {dataset.status}. Expected ACTIVE.")
            return str(dataset.doc["datasetGroupArn"])
    for tracker in world.tx.all("EventTracker"):
        if tracker.doc["trackingId"] == tracking_id:
            return str(tracker.doc["datasetGroupArn"])
    raise NotFoundError(f"Tracking id {tracking_id!r} does not exist.")


def _put_records(
    world: World, dataset_arn: str, kind: str, id_member: str, records: list[Mapping[str, Any]]
) -> dict[str, Any]:
    dataset = world.find(dataset_arn, "Dataset")
    if dataset.doc["datasetType"] != kind:
        raise InvalidInputError(
            f"{dataset_arn} has type {dataset.doc['datasetType']}. Expected {kind}."
        )
    if dataset.status != "ACTIVE":
        raise InUseError(f"{dataset_arn} is in status {dataset.status}. Expected ACTIVE.")
    known = {plain(name) for name in _schema_names(world, dataset)}
    for record in records:
        unknown = [name for name in _properties(record) if plain(name) not in known]
        if unknown:
            raise InvalidInputError(
                f"Property {unknown[0]!r} is not a field of the schema of {dataset_arn}."
            )
    rows = [
        (dataset.arn, record[id_member], world.tx.next_number("record"), record.get("properties"))
        for record in records
    ]
    world.tx.execute_many("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)
    return {}


def _schema_names(world: World, dataset: Resource) -> list[str]:
    schema = world.find(dataset.doc["schemaArn"], "Schema")
    names = parse_schema(schema.doc["schema"], domain=schema.doc.get("domain")).names
    return [name for name in names if name != ID_OF[dataset.doc["datasetType"]]]


def _properties(record: Mapping[str, Any]) -> Mapping[str, Any]:
    text = record.get("properties")
    if text is None:
        return {}
    try:
        properties = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"properties is {text[:100]!r}. Expected a JSON object.") from error
    if not isinstance(properties, dict):
        raise InvalidInputError(f"properties is {text[:100]!r}. Expected a JSON object.")
    return properties
