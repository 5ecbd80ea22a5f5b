"""Batch segments: the users most likely to want an item, or items of an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recdrop.personalize.answers.lookup import Rows, read_rows
from recdrop.personalize.data.tables import Tables, open_tables
from recdrop.personalize.filters.expressions import Filter
from recdrop.personalize.filters.masks import FilterContext
from recdrop.personalize.filters.segment_query import SegmentQueryError, parse
from recdrop.personalize.filters.terms import FilterError
from recdrop.personalize.work.batches import LineError, answer_lines, text_member
from recdrop.personalize.work.inference import Asker, open_asker


def make_segments(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Answers every line of the input; `lines` counts them.

    A line is as the service printed it in 2023; its guide says `recommendedUsers` where it writes
    `usersList`.
    """
    with (
        open_asker(spec) as asker,
        open_tables(Path(spec["root"]), Path(spec["database"]), spec["snapshot"]) as tables,
    ):
        items = read_rows(tables, "ITEMS")
        segments = _Segments(asker, items, _user_filter(asker, tables))
        by_attribute = spec["recipe"]["engine"] == "item-attribute-affinity"
        answer = segments.of_attributes if by_attribute else segments.of_item
        return {"lines": answer_lines(spec, folder, answer)}


class _UserFilter:
    """Which users a filter on UserID lets into a segment."""

    def __init__(self, chosen: Filter, users: Rows, events: Mapping[str, Any]) -> None:
        self._chosen = chosen
        self._users = users
        self._context = FilterContext(
            users.catalogue(np.array(users.ids, dtype=object)), events=events
        )

    def lets(self, values: Mapping[str, str]) -> frozenset[str]:
        try:
            mask = self._chosen.mask(self._context, values)
        except FilterError as error:
            raise LineError(str(error)) from error
        return frozenset(
            user for user, allowed in zip(self._users.ids, mask.tolist(), strict=True) if allowed
        )


def _user_filter(asker: Asker, tables: Tables) -> _UserFilter | None:
    """Users known by metadata or by interactions, with the types of event each has."""
    if asker.chosen is None:
        return None
    known = read_rows(tables, "USERS")
    tables.create("INTERACTIONS")
    by_type: dict[str, list[str]] = {}
    has_type = "EVENT_TYPE" in tables.schemas["INTERACTIONS"].names
    kind = "coalesce(lower(EVENT_TYPE), '')" if has_type else "''"
    for user, event_type in tables.run(
        f"SELECT DISTINCT USER_ID, {kind} FROM INTERACTIONS"
    ).fetchall():
        by_type.setdefault(event_type, []).append(user)
    ids = sorted({*known.ids, *(user for users in by_type.values() for user in users)})
    places = {user: place for place, user in enumerate(ids)}
    events = {
        kind: np.array(sorted(places[user] for user in users)) for kind, users in by_type.items()
    }
    columns = known.catalogue(np.array(ids, dtype=object)).columns
    return _UserFilter(asker.chosen, Rows(ids, dict(columns)), events)


class _Segments:
    def __init__(self, asker: Asker, items: Rows, users: _UserFilter | None) -> None:
        self._asker = asker
        self._catalogue = items.catalogue(asker.model.item_ids)
        self._users = users

    def of_item(self, question: Mapping[str, Any]) -> dict[str, Any]:
        item = text_member(question, "itemId")
        if self._asker.model.item_index(item) is None:
            raise LineError(f"Item {item!r} is not known to the solution version.")
        return self._chosen(item, question)

    def of_attributes(self, question: Mapping[str, Any]) -> dict[str, Any]:
        try:
            attributes = parse(text_member(question, "itemAttributes"))
        except SegmentQueryError as error:
            raise LineError(str(error)) from error
        columns = {name.upper(): name for name in self._catalogue.columns}
        masks = []
        for attribute in attributes:
            column = columns.get(attribute.field.upper())
            if column is None:
                raise LineError(
                    f"Items have no field {attribute.field!r}. Expected one of: {', '.join(sorted(columns))}."
                )
            masks.append(self._catalogue.having(column, [attribute.value]))
        return self._chosen(np.logical_and.reduce(masks), question)

    def _chosen(self, items: Any, question: Mapping[str, Any]) -> dict[str, Any]:
        count = int(self._asker.spec["results"])
        if self._users is None:
            return {"usersList": self._asker.model.segment(items, count)}
        allowed = self._users.lets(question.get("filterValues", {}))
        # The model ranks users without knowing the filter, so all are ranked and then filtered.
        everyone = self._asker.model.segment(items, 2**31 - 1)
        return {"usersList": [user for user in everyone if user in allowed][:count]}
