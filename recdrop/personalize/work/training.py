"""The training job: a snapshot of the group becomes `TrainingData`, and that a model folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recdrop.personalize.data.schemas import Field
from recdrop.personalize.data.tables import Columns, Tables, literal, open_tables, quote
from recdrop.recommender import Column, Model, TrainingData, fit, load, update
from recdrop.service.errors import JobFailed

RESERVED = {
    "EVENT_TYPE",
    "EVENT_VALUE",
    "IMPRESSION",
    "RECOMMENDATION_ID",
    "EVENT_ATTRIBUTION_SOURCE",
    "TIMESTAMP",
}
HIGHER_IS_BETTER = "normalized_discounted_cumulative_gain_at_25"


def train(spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Trains every recipe of the order (AutoML has several) and keeps the best."""
    started = time.monotonic()
    actions = any(recipe["type"] == "PERSONALIZED_ACTIONS" for recipe in spec["recipes"])
    with open_tables(Path(spec["root"]), Path(spec["database"]), spec["snapshot"]) as tables:
        data = read_training_data(tables, spec, actions=actions)
    # An UPDATE goes on from the model of the last full training.
    previous = load(Path(spec["root"]) / spec["previous"]) if spec["previous"] else None
    fitted = [(recipe, _fit(recipe, data, spec, previous)) for recipe in spec["recipes"]]
    objective = _objective(spec)
    recipe, model = max(fitted, key=lambda pair: pair[1].metrics.get(objective, 0.0))
    tuned = model.settings if spec["hpo"] else {}
    model.save(folder / "model")
    return {
        "model": f"jobs/{folder.name}/model",
        "recipe": recipe["arn"],
        "metrics": {name: float(value) for name, value in model.metrics.items()},
        "tuned": {name: str(value) for name, value in tuned.items()},
        "events_upto": spec["snapshot"]["events_upto"],
        "rows": len(data),
        "seconds": time.monotonic() - started,
    }


def _objective(spec: Mapping[str, Any]) -> str:
    return str(spec["config"].get("autoMLConfig", {}).get("metricName") or HIGHER_IS_BETTER)


def _fit(
    recipe: Mapping[str, Any], data: TrainingData, spec: Mapping[str, Any], previous: Model | None
) -> Model:
    if previous is not None:
        return update(previous, data)
    try:
        return fit(
            recipe["engine"],
            data,
            settings=_settings(recipe, spec),
            seed=spec["seed"],
            budget_seconds=spec["budget"],
            hpo=spec["hpo"],
        )
    except ValueError as error:
        raise JobFailed(f"Create failed. {error}") from error


def _settings(recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    config = spec["config"]
    settings: dict[str, Any] = {**recipe["settings"], **config.get("algorithmHyperParameters", {})}
    settings |= config.get("featureTransformationParameters", {})
    if spec["event_type"]:
        settings["event_type"] = spec["event_type"]
    if "eventValueThreshold" in config:
        settings["event_value_threshold"] = float(config["eventValueThreshold"])
    weights = {entry["eventType"]: entry.get("weight", 1.0) for entry in _event_parameters(config)}
    return {**settings, "event_weights": weights} if weights else settings


def _event_parameters(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(config.get("eventsConfig", {}).get("eventParametersList", []))


def read_training_data(
    tables: Tables, spec: Mapping[str, Any], *, actions: bool = False
) -> TrainingData:
    """What the solution trains on, as codes and columns.

    Raises:
        JobFailed: it is less than the service asks for.
    """
    events, items, item_id = "INTERACTIONS", "ITEMS", "ITEM_ID"
    if actions:
        events, items, item_id = "ACTION_INTERACTIONS", "ACTIONS", "ACTION_ID"
    for kind in (events, items, "USERS"):
        if tables.has(kind):
            tables.create(kind)
    if not tables.has(events):
        raise JobFailed(f"Create failed. The dataset group has no {events} dataset.")
    tables.run(
        f"CREATE VIEW chosen AS SELECT * FROM {events} WHERE {_wanted(tables, events, spec)}"
    )
    if not actions:
        check_enough(tables, spec)
    _code("all_users", "USER_ID", ("chosen", "USERS" if tables.has("USERS") else None), tables)
    _code("all_items", item_id, ("chosen", items if tables.has(items) else None), tables)
    rows = _read_events(tables, events, item_id, spec)
    return TrainingData(
        user_ids=tables.columns("SELECT id FROM all_users ORDER BY code")["id"],
        item_ids=tables.columns("SELECT id FROM all_items ORDER BY code")["id"],
        user=rows["_user"].astype(np.int32),
        item=rows["_item"].astype(np.int32),
        timestamp=rows["_time"].astype(np.int64),
        event_type=Column("categorical", rows["EVENT_TYPE"]) if "EVENT_TYPE" in rows else None,
        event_value=rows["EVENT_VALUE"].astype(np.float32) if "EVENT_VALUE" in rows else None,
        context={
            spec.name: _column(spec, rows[spec.name])
            for spec in _trained(tables, events, spec)
            if spec.name in rows
        },
        items=_read_table(tables, items, item_id, "all_items", spec),
        users=_read_table(tables, "USERS", "USER_ID", "all_users", spec),
        impressions=rows.get("IMPRESSION"),
    )


def check_enough(tables: Tables, spec: Mapping[str, Any]) -> None:
    count = tables.number("SELECT count(*) FROM chosen")
    if count < spec["minimum_interactions"]:
        types = [spec["event_type"]] if spec["event_type"] else _listed_types(spec)
        filtered = f" after filtering by event type: {', '.join(types)}" if types else ""
        raise JobFailed(
            f"Create failed. Dataset has fewer than {spec['minimum_interactions']} interactions{filtered}"
        )
    twice = tables.number(
        "SELECT count(*) FROM (SELECT 1 FROM chosen GROUP BY USER_ID HAVING count(*) >= 2)"
    )
    if twice < spec["minimum_users"]:
        raise JobFailed(
            f"Create failed. Dataset has fewer than {spec['minimum_users']} users "
            "with at least 2 interactions each."
        )
    users = tables.number("SELECT count(DISTINCT USER_ID) FROM chosen")
    if twice * 100 < users * spec["minimum_percent"]:
        raise JobFailed(
            f"Create failed. Only {twice} of {users} users have at least 2 interactions each. "
            f"Expected at least {spec['minimum_percent']} %."
        )


def _listed_types(spec: Mapping[str, Any]) -> list[str]:
    return [entry["eventType"] for entry in _event_parameters(spec["config"])]


def _wanted(tables: Tables, events: str, spec: Mapping[str, Any]) -> str:
    """SQL for the interactions that the solution's event type, values and weights let in."""
    columns = tables.schemas[events].names
    parameters = _event_parameters(spec["config"])
    if not parameters and spec["event_type"]:
        threshold = spec["config"].get("eventValueThreshold")
        parameters = [{"eventType": spec["event_type"], "eventValueThreshold": threshold}]
    if not parameters or "EVENT_TYPE" not in columns:
        return "true"
    return " OR ".join(_one_type(entry, "EVENT_VALUE" in columns) for entry in parameters)


def _one_type(entry: Mapping[str, Any], has_value: bool) -> str:
    chosen = f"lower(EVENT_TYPE) = lower({literal(entry['eventType'])})"
    threshold = entry.get("eventValueThreshold")
    if threshold is not None and has_value:
        chosen += f" AND EVENT_VALUE >= {float(threshold)}"
    return f"({chosen})"


def _code(name: str, column: str, sources: Iterable[str | None], tables: Tables) -> None:
    """Makes the table of all ids that occur in `sources`, with codes from 0 in their order.

    Items and users without an interaction are in it too: a model may recommend new items.
    """
    union = " UNION ".join(
        f"SELECT DISTINCT {column} AS id FROM {source}" for source in sources if source
    )
    code = "(row_number() OVER (ORDER BY id) - 1)::INTEGER"
    tables.run(f"CREATE TABLE {name} AS SELECT id, {code} AS code FROM ({union})")


def _read_events(tables: Tables, events: str, item_id: str, spec: Mapping[str, Any]) -> Columns:
    present = tables.schemas[events].names
    extra: list[str] = [
        name for name in ("EVENT_TYPE", "EVENT_VALUE", "IMPRESSION") if name in present
    ]
    extra += [column.name for column in _trained(tables, events, spec)]
    selected = "".join(f", e.{quote(name)}" for name in extra)
    return tables.columns(f"""
        SELECT u.code AS _user, i.code AS _item, e.TIMESTAMP AS _time{selected}
        FROM (SELECT *, row_number() OVER () AS _place FROM chosen) e
        JOIN all_users u ON u.id = e.USER_ID JOIN all_items i ON i.id = e.{item_id} ORDER BY e._place""")


def _read_table(
    tables: Tables, kind: str, id_column: str, codes: str, spec: Mapping[str, Any]
) -> dict[str, Column]:
    if not tables.has(kind):
        return {}
    fields = _trained(tables, kind, spec)
    if not fields:
        return {}
    selected = ", ".join(f"t.{quote(field.name)}" for field in fields)
    rows = tables.columns(
        f"SELECT {selected} FROM {codes} c LEFT JOIN {kind} t ON t.{id_column} = c.id ORDER BY c.code"
    )
    return {field.name: _column(field, rows[field.name]) for field in fields}


def _trained(tables: Tables, kind: str, spec: Mapping[str, Any]) -> list[Field]:
    """The columns a model learns from, less what the config leaves out.

    Those are numbers, and categorical and textual strings.
    """
    choice = spec["config"].get("trainingDataConfig", {})
    excluded = _upper_keys(choice.get("excludedDatasetColumns", {})).get(kind, [])
    included = _upper_keys(choice.get("includedDatasetColumns", {})).get(kind)
    fields = [field for field in tables.schemas[kind].fields if _says_something(field)]
    if included is not None:
        fields = [field for field in fields if field.name in included]
    return [field for field in fields if field.name not in excluded]


def _says_something(field: Field) -> bool:
    if field.name.endswith("_ID") or field.name in RESERVED:
        return False
    return field.is_number or field.categorical or field.textual or field.item_name


def _upper_keys(columns: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {kind.upper(): names for kind, names in columns.items()}


def _column(field: Field, values: NDArray[Any]) -> Column:
    if field.is_number:
        numbers = values.astype(np.float64)
        return Column("number", np.where(np.isfinite(numbers), numbers, np.nan))
    return Column("categorical" if field.categorical else "text", values.astype(object))
