"""Batch inference: the same answers as a campaign, line by line."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recdrop.personalize.answers.lookup import NO_ROWS, Rows, read_rows, user_events
from recdrop.personalize.answers.scores import shown_score
from recdrop.personalize.data.history import History
from recdrop.personalize.data.schemas import DatasetSchema
from recdrop.personalize.data.tables import open_tables
from recdrop.personalize.events.streams import events_of
from recdrop.personalize.filters.expressions import Filter, parse
from recdrop.personalize.filters.masks import FilterContext
from recdrop.personalize.filters.terms import FilterError
from recdrop.personalize.work.batches import LineError, answer_lines, text_member
from recdrop.recommender import Event, Model, Query, Scored, load


def infer(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Answers every line of the input; `lines` counts them."""
    with open_asker(spec) as asker:
        answer = _themed if spec["themes"] else _ANSWERS[spec["recipe"]["type"]]
        return {"lines": answer_lines(spec, folder, lambda question: answer(asker, question))}


@dataclass
class Asker:
    """The model and what its answers are filtered with."""

    spec: Mapping[str, Any]
    model: Model
    database: sqlite3.Connection
    chosen: Filter | None
    items: Rows = NO_ROWS
    users: Rows = NO_ROWS
    history: History | None = None
    catalogue: Any = None
    items_schema: DatasetSchema | None = None

    def query(self, user: str) -> Query:
        group = self.spec["snapshot"]["group"]
        newer = events_of(self._rows, group, user, after=self.spec["events_after"])
        events = [
            Event(event.item_id, int(event.timestamp), event.event_type, event.event_value)
            for event in newer
        ]
        return Query(user_id=user, events=events)

    def allowed(self, question: Mapping[str, Any], user: str | None, item: str | None) -> Any:
        if self.chosen is None:
            return None
        values = question.get("filterValues", {})
        context = FilterContext(
            self.catalogue,
            user=(self.users.row(user) or {}) if user else {},
            events=self._events(user) if user else {},
            current_item=self.items.row(item) if item else None,
        )
        try:
            return self.chosen.mask(context, values)
        except FilterError as error:
            raise LineError(str(error)) from error

    def theme(self, items: Sequence[str]) -> str:
        """The most frequent values of the items' categorical columns, most frequent first."""
        fields = self.items_schema.fields if self.items_schema else ()
        names = [spec.name for spec in fields if spec.categorical]
        shared = Counter(
            value
            for item in items
            for text in self.items.texts(item, names).values()
            for value in text.split("|")
        )
        frequent = sorted(shared.items(), key=lambda pair: (-pair[1], pair[0]))
        return " and ".join(value for value, _ in frequent[:2])

    def _events(self, user: str) -> Mapping[str, Any]:
        found: dict[str, list[str]] = defaultdict(list)
        if self.history:
            found.update({kind: list(items) for kind, items in self.history.of(user).items()})
        for event in events_of(self._rows, self.spec["snapshot"]["group"], user):
            found[event.event_type.lower()].append(event.item_id)
        return user_events(found, self.model.item_index)

    def _rows(self, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        return self.database.execute(sql, values).fetchall()


@contextmanager
def open_asker(spec: Mapping[str, Any]) -> Iterator[Asker]:
    """What answers the lines. Tables are read only for a filter or for themes: it takes long."""
    root = Path(spec["root"])
    database = sqlite3.connect(f"file:{spec['database']}?mode=ro", uri=True)
    try:
        chosen = parse(spec["filter"], strict=not spec["mixed_filters"]) if spec["filter"] else None
        asker = Asker(spec, load(root / spec["model"]), database, chosen)
        # Not in the tables: a history is read for one user at a time.
        index = spec["snapshot"]["datasets"].get("INTERACTIONS", {}).get("index")
        if chosen is not None or spec["themes"]:
            with open_tables(root, Path(spec["database"]), spec["snapshot"]) as tables:
                asker.items, asker.users = read_rows(tables, "ITEMS"), read_rows(tables, "USERS")
                asker.items_schema = tables.schemas.get("ITEMS")
            asker.catalogue = asker.items.catalogue(asker.model.item_ids)
            asker.history = History(root / index) if index else None
        yield asker
    finally:
        database.close()


def _for_user(asker: Asker, question: Mapping[str, Any]) -> dict[str, Any]:
    user = text_member(question, "userId")
    exploration = asker.spec["config"].get("itemExplorationConfig", {})
    found = asker.model.recommend(
        asker.query(user),
        asker.spec["results"],
        allowed=asker.allowed(question, user, None),
        exploration_weight=float(exploration.get("explorationWeight", 0.3)),
        exploration_item_age_cut_off=float(exploration.get("explorationItemAgeCutOff", 30)),
        seed=asker.spec["seed"],
    )
    return _listed(found, scored=True)


def _popular(asker: Asker, question: Mapping[str, Any]) -> dict[str, Any]:
    user = text_member(question, "userId") if "userId" in question else None
    query = asker.query(user) if user else Query()
    return _listed(
        asker.model.recommend(
            query, asker.spec["results"], allowed=asker.allowed(question, user, None)
        )
    )


def _related(asker: Asker, question: Mapping[str, Any]) -> dict[str, Any]:
    item = text_member(question, "itemId")
    user = question.get("userId")
    allowed = asker.allowed(question, user, item)
    return _listed(asker.model.similar(item, asker.spec["results"], allowed=allowed))


def _ranked(asker: Asker, question: Mapping[str, Any]) -> dict[str, Any]:
    user = text_member(question, "userId")
    items = question.get("itemList")
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        raise LineError(f"itemList is {items!r}. Expected a list of item ids.")
    allowed = asker.allowed(question, user, None)
    if allowed is not None:
        items = [item for item in items if _lets(allowed, asker.model.item_index(item))]
    return _listed(asker.model.rank(asker.query(user), items), scored=True)


def _lets(allowed: Any, place: int | None) -> bool:
    return place is not None and bool(allowed[place])


def _listed(found: Sequence[Scored], *, scored: bool = False) -> dict[str, Any]:
    listed: dict[str, Any] = {"recommendedItems": [item.item_id for item in found]}
    if scored:
        listed["scores"] = [shown_score(item) for item in found]
    return listed


def _themed(asker: Asker, question: Mapping[str, Any]) -> dict[str, Any]:
    """A theme is named by the categories most of its items share.

    The service asks a language model; none runs here.
    """
    listed = _related(asker, question)
    title = asker.theme(listed["recommendedItems"])
    return {**listed, "theme": title}


_ANSWERS = {
    "USER_PERSONALIZATION": _for_user,
    "POPULAR_ITEMS": _popular,
    "RELATED_ITEMS": _related,
    "PERSONALIZED_RANKING": _ranked,
}
