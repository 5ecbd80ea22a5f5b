"""What answers are made from: models, metadata and histories, loaded once and shared by all requests."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from local.personalize.errors import InvalidInputError, NotFoundError
from local.personalize.filters import Catalogue, Filter, FilterContext, FilterError, parse
from local.personalize.history import History
from local.personalize.lookup import Rows, read_rows, user_events
from local.personalize.store import Resource, Store
from local.personalize.streams import events_of
from local.personalize.tables import open_tables
from recommender import Event, Model, Query, load

T = TypeVar("T")
ROW_KIND = {"ItemID": "ITEMS", "ActionID": "ACTIONS", "UserID": "USERS"}


class Cache:
    """The `most` last used values. Each is made once, however many threads ask for it at the same time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found, value = self._find(key)
        if found:
            return value  # type: ignore[no-any-return]
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            found, value = self._find(key)
            if not found:
                value = make()
                with self._lock:
                    self._values[key] = value
                    self._making.pop(key, None)
                    if len(self._values) > self._most:
                        self._values.popitem(last=False)
        return value  # type: ignore[no-any-return]

    def _find(self, key: Hashable) -> tuple[bool, Any]:
        with self._lock:
            if key not in self._values:
                return False, None
            self._values.move_to_end(key)
            return True, self._values[key]


@dataclass(frozen=True)
class Chosen:
    """A filter of a request, with the values for its placeholders."""

    filter: Filter
    values: Mapping[str, str]


class Serving:
    def __init__(self, store: Store, root: Path, *, mixed_filters: bool) -> None:
        self._store = store
        self._root = root
        self._strict = not mixed_filters
        self._models = Cache(16)
        self._rows = Cache(24)
        self._histories = Cache(16)
        self._catalogues = Cache(24)

    def model(self, folder: str) -> Model:
        return self._models.get(folder, lambda: load(self._root / folder))

    def rows(self, group: str, kind: str) -> Rows:
        """The metadata of a dataset as it is now, streamed records included."""
        dataset = self._dataset(group, kind)
        return self._rows.get(self._rows_key(dataset, group, kind), lambda: self._read_rows(dataset, group, kind))

    def query(self, group: str, events_upto: int, user: str | None, context: Mapping[str, str]) -> Query:
        """The question of a user: with the events that the model has not been trained on."""
        if user is None:
            return Query(context=context)
        newer = events_of(self._store.query, group, user, after=events_upto)
        events = [Event(event.item_id, int(event.timestamp), event.event_type, event.event_value) for event in newer]
        return Query(user_id=user, events=events, context=context, user=self._user_metadata(group, user))

    def _user_metadata(self, group: str, user: str) -> dict[str, str]:
        """Of use for users that the training has not seen; small, so read only when there is a USERS dataset."""
        if self._dataset(group, "USERS") is None:
            return {}
        row = self.rows(group, "USERS").row(user) or {}
        return {name: str(value) for name, value in row.items() if value is not None}

    def choose(self, filter_arn: str, values: Mapping[str, str], group: str) -> Chosen:
        resource = self._store.get(filter_arn)
        if resource is None or resource.kind != "Filter":
            raise NotFoundError.of(filter_arn)
        if resource.status != "ACTIVE":
            raise InvalidInputError(f"Filter {filter_arn} is in status {resource.status}. Expected ACTIVE.")
        if resource.doc["datasetGroupArn"] != group:
            raise InvalidInputError(f"Filter {filter_arn} belongs to another dataset group.")
        return Chosen(parse(resource.doc["filterExpression"], strict=self._strict), values)

    def mask(self, chosen: Chosen, model: Model, group: str, user: str | None, item: str | None) -> Any:
        """bool per item of the model: what the filter lets through. InvalidInputError for unfit values."""
        kind = ROW_KIND[chosen.filter.target]
        stream = "action" if kind == "ACTIONS" else "interaction"
        current = self.rows(group, "ITEMS").row(item) if item and chosen.filter.needs_current_item else None
        if chosen.filter.needs_current_item and item is None:
            raise InvalidInputError("The filter uses CurrentItem. Expected a request for related items.")
        context = FilterContext(
            self._catalogue(group, kind, model),
            user=(self.rows(group, "USERS").row(user) or {}) if user else {},
            events=self._events(group, stream, user, model) if user else {},
            current_item=current,
        )
        try:
            return chosen.filter.mask(context, chosen.values)
        except FilterError as error:
            raise InvalidInputError(str(error)) from error

    def _catalogue(self, group: str, kind: str, model: Model) -> Catalogue:
        dataset = self._dataset(group, kind)
        key = (id(model), self._rows_key(dataset, group, kind))
        made: tuple[Model, Catalogue] = self._catalogues.get(key, lambda: (model, self.rows(group, kind).catalogue(model.item_ids)))
        return made[1]

    def _events(self, group: str, stream: str, user: str, model: Model) -> dict[str, Any]:
        found: dict[str, list[str]] = defaultdict(list)
        dataset = self._dataset(group, "ACTION_INTERACTIONS" if stream == "action" else "INTERACTIONS")
        index = dataset.notes.get("index") if dataset else None
        if index:
            history = self._histories.get(index, lambda: History(self._root / index))
            found.update({kind: list(items) for kind, items in history.of(user).items()})
        for event in events_of(self._store.query, group, user, kind=stream):
            found[event.event_type.lower()].append(event.item_id)
        return user_events(found, model.item_index)

    def _dataset(self, group: str, kind: str) -> Resource | None:
        name = group.rpartition("/")[2]
        prefix = group.rpartition(":")[0]
        return self._store.get(f"{prefix}:dataset/{name}/{kind}")

    def _rows_key(self, dataset: Resource | None, group: str, kind: str) -> Hashable:
        if dataset is None:
            return (group, kind)
        last = self._store.query("SELECT max(seq) FROM records WHERE dataset = ?", (dataset.arn,))[0][0]
        return (dataset.arn, tuple(dataset.notes.get("files", ())), dataset.doc["schemaArn"], last)

    def _read_rows(self, dataset: Resource | None, group: str, kind: str) -> Rows:
        datasets = {}
        if dataset is not None:
            schema = self._store.get(dataset.doc["schemaArn"])
            assert schema is not None  # noqa: S101 - a schema in use cannot be deleted
            datasets[kind] = {
                "arn": dataset.arn,
                "schema": schema.doc["schema"],
                "domain": schema.doc.get("domain"),
                "files": dataset.notes.get("files", []),
            }
        taken = {"group": group, "datasets": datasets, "events_upto": 0, "records_upto": 2**62}
        with open_tables(self._root, self._store.path, taken, threads=1) as tables:
            return read_rows(tables, kind)
