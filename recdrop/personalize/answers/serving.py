"""What answers are made from: models, metadata and histories.

Each is loaded once, and shared by all requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from recdrop.personalize.answers.lookup import Layered, Rows, user_events
from recdrop.personalize.answers.metadata import Metadata
from recdrop.personalize.data.history import History
from recdrop.personalize.errors import InvalidInputError, NotFoundError
from recdrop.personalize.events.streams import events_of
from recdrop.personalize.filters.expressions import Filter, parse
from recdrop.personalize.filters.masks import HISTORY, Catalogue, FilterContext
from recdrop.personalize.filters.terms import FilterError
from recdrop.recommender import Event, Model, Query, load
from recdrop.service.cache import Cache
from recdrop.service.resources.store import Store

ROW_KIND = {"ItemID": "ITEMS", "ActionID": "ACTIONS", "UserID": "USERS"}


@dataclass(frozen=True)
class Chosen:
    """A filter of a request, with the values for its placeholders."""

    filter: Filter
    values: Mapping[str, str]


class Serving:
    """Models and tables in `root`, read when first asked for; the last used stay in memory."""

    def __init__(self, store: Store, root: Path, *, mixed_filters: bool) -> None:
        self._store = store
        self._root = root
        self._strict = not mixed_filters
        self._metadata = Metadata(store, root)
        self._models = Cache(16)
        self._histories = Cache(16)
        self._catalogues = Cache(24)

    def model(self, folder: str) -> Model:
        """The model in a folder of `root`."""
        return self._models.get(folder, lambda: load(self._root / folder))

    def rows(self, group: str, kind: str) -> Layered:
        """The metadata of ITEMS, USERS or ACTIONS as it is now, streamed records included."""
        return self._metadata.layers(group, kind)[1]

    def query(
        self, group: str, events_upto: int, user: str | None, context: Mapping[str, str]
    ) -> Query:
        """The question of a user: with the events that the model has not been trained on."""
        if user is None:
            return Query(context=context)
        newer = events_of(self._store.query, group, user, after=events_upto)
        events = [
            Event(event.item_id, int(event.timestamp), event.event_type, event.event_value)
            for event in newer
        ]
        return Query(
            user_id=user, events=events, context=context, user=self._user_metadata(group, user)
        )

    def _user_metadata(self, group: str, user: str) -> dict[str, str]:
        """What the model may use of a user whom the training has not seen.

        Small, and empty without a USERS dataset.
        """
        if self._metadata.dataset(group, "USERS") is None:
            return {}
        row = self.rows(group, "USERS").row(user) or {}
        return {name: str(value) for name, value in row.items() if value is not None}

    def choose(self, filter_arn: str, values: Mapping[str, str], group: str) -> Chosen:
        """The filter of a request.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: it is not ACTIVE, or belongs to another group.
        """
        resource = self._store.get(filter_arn)
        if resource is None or resource.kind != "Filter":
            raise NotFoundError.of(filter_arn)
        if resource.status != "ACTIVE":
            raise InvalidInputError(
                f"Filter {filter_arn} is in status {resource.status}. Expected ACTIVE."
            )
        if resource.doc["datasetGroupArn"] != group:
            raise InvalidInputError(f"Filter {filter_arn} belongs to another dataset group.")
        return Chosen(parse(resource.doc["filterExpression"], strict=self._strict), values)

    def mask(
        self, chosen: Chosen, model: Model, group: str, user: str | None, item: str | None
    ) -> Any:
        """bool[items of the model], True for those that the filter lets through.

        Raises:
            InvalidInputError: a value does not fit its placeholder.
        """
        kind = ROW_KIND[chosen.filter.target]
        key, layers = self._metadata.layers(group, kind)
        context = self._context(
            chosen.filter, self._catalogue(key, layers, model), model, group, user, item
        )
        try:
            mask = chosen.filter.mask(context, chosen.values)
            if layers.newer.ids:
                _remask(mask, chosen, context, layers.newer, model)
        except FilterError as error:
            raise InvalidInputError(str(error)) from error
        return mask

    def interacted(self, group: str, user: str, event_type: str, model: Model) -> Any:
        """Places in the model of the items with which the user has an event of the type."""
        return self._events(group, "interaction", user, model).get(
            event_type.lower(), np.empty(0, dtype=np.int64)
        )

    def _context(
        self,
        parsed: Filter,
        catalogue: Catalogue,
        model: Model,
        group: str,
        user: str | None,
        item: str | None,
    ) -> FilterContext:
        """Reads only what the filter's fields ask for."""
        if parsed.needs_current_item and item is None:
            raise InvalidInputError(
                "The filter uses CurrentItem. Expected a request for related items."
            )
        current = None
        if item and parsed.needs_current_item:
            current = self.rows(group, "ITEMS").row(item)
        metadata = None
        if user and parsed.reads("USERS"):
            metadata = self.rows(group, "USERS").row(user)
        events = self._filtered_events(parsed, group, user, model) if user else {}
        return FilterContext(catalogue, user=metadata or {}, events=events, current_item=current)

    def _filtered_events(
        self, parsed: Filter, group: str, user: str, model: Model
    ) -> dict[str, Any]:
        if parsed.reads("INTERACTIONS"):
            return self._events(group, "interaction", user, model)
        if parsed.reads("ACTION_INTERACTIONS"):
            return self._events(group, "action", user, model)
        return {}

    def _catalogue(self, key: Hashable, layers: Layered, model: Model) -> Catalogue:
        # The model is kept beside its catalogue, so that no other one can get its id.
        made: tuple[Model, Catalogue] = self._catalogues.get(
            (id(model), key), lambda: (model, layers.base.catalogue(model.item_ids))
        )
        return made[1]

    def _events(self, group: str, stream: str, user: str, model: Model) -> dict[str, Any]:
        found: dict[str, list[str]] = defaultdict(list)
        kind = "ACTION_INTERACTIONS" if stream == "action" else "INTERACTIONS"
        dataset = self._metadata.dataset(group, kind)
        index = dataset.notes.get("index") if dataset else None
        if index:
            history = self._histories.get(index, lambda: History(self._root / index))
            # Copied, since streamed events are added to the lists.
            found.update({name: list(items) for name, items in history.of(user).items()})
        for event in events_of(self._store.query, group, user, kind=stream):
            found[event.event_type.lower()].append(event.item_id)
        return user_events(found, model.item_index)


def _remask(mask: Any, chosen: Chosen, context: FilterContext, newer: Rows, model: Model) -> None:
    """Sets the mask anew for the few items that were streamed since the catalogue was made.

    Building the catalogue again would take seconds for a large table.
    """
    ids = [identifier for identifier in newer.ids if model.item_index(identifier) is not None]
    places = np.array([model.item_index(identifier) for identifier in ids], dtype=np.int64)
    small = {int(place): number for number, place in enumerate(places)}
    last = HISTORY["Action_Interactions" if chosen.filter.target == "ActionID" else "Interactions"]
    events = {
        kind: np.array(
            [small[row] for row in rows[-last:].tolist() if row in small], dtype=np.int64
        )
        for kind, rows in context.events.items()
    }
    # The None makes it an array of objects even when `ids` is empty.
    catalogue = newer.catalogue(np.array([*ids, None], dtype=object)[:-1])
    mask[places] = chosen.filter.mask(
        replace(context, catalogue=catalogue, events=events), chosen.values
    )
