"""`recdrop.toml` of one dataset group as frozen structs, with the defaults of a group that has
none.

The structs are the one source: they validate, they give the messages their expectations, and
`json_schema` publishes them for editors. Deliberately not here: reading S3, and anything that
depends on the data.

    ConfigError   the only error: names the key, its value and what was expected
"""

from __future__ import annotations

import difflib
import inspect
import re
import tomllib
import zoneinfo
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import msgspec

NAME_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"
MAX_NAME = 63  # Personalize's limit for every resource name; ours are "<group>-<name>"

Metric = Literal[
    "coverage",
    "mean_reciprocal_rank_at_25",
    "normalized_discounted_cumulative_gain_at_5",
    "normalized_discounted_cumulative_gain_at_10",
    "normalized_discounted_cumulative_gain_at_25",
    "precision_at_5",
    "precision_at_10",
    "precision_at_25",
]
Recipe = Literal[
    "aws-user-personalization-v2",
    "aws-user-personalization",
    "aws-hrnn",
    "aws-hrnn-metadata",
    "aws-hrnn-coldstart",
    "aws-popularity-count",
    "aws-trending-now",
    "aws-personalized-ranking-v2",
    "aws-personalized-ranking",
    "aws-similar-items",
    "aws-sims",
    "aws-semantic-similarity",
    "aws-item-affinity",
    "aws-item-attribute-affinity",
    "aws-next-best-action",
    "svd",
]
DatasetName = Literal["interactions", "items", "users", "actions", "action_interactions"]
Domain = Literal["ECOMMERCE", "VIDEO_ON_DEMAND"]
Kind = Literal["snowflake", "databricks", "segment", "redshift", "plain"]
Mode = Literal["FULL", "INCREMENTAL"]

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN, min_length=1, max_length=MAX_NAME)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Complete = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(auto|manifest|marker|each-file|quiet:[1-9][0-9]*[smh])$",
        description="auto, manifest, marker, each-file or quiet:<n>s|m|h, for example quiet:5m",
    ),
]
Timezone = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
        description="an IANA zone such as Europe/Berlin",
    ),
]
ColumnMap = dict[str, str]
Scalar = str | int | float | bool


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections: frozen, by keyword, unknown keys are errors."""


class Group(_Section, frozen=True):
    """The dataset group; its name is the first folder of the drop path."""

    domain: Domain | None = None


class Source(_Section, frozen=True):
    """How exports arrive.

    `columns` maps a Personalize column to the export's own name; `header` names the columns of
    files that have no header line; `timezone` is that of timestamps written without one;
    `max_bad_rows` is the share of rows that may be dropped before a file is refused. `schema`
    "keep" leaves columns out that a dataset's schema does not have and refuses exports that break
    it; "update" moves the dataset to the schema of each export.
    """

    kind: Kind = "plain"
    complete: Complete = "auto"
    columns: ColumnMap = {}
    mode: Mode = "FULL"
    timezone: Timezone = "UTC"
    max_bad_rows: Fraction = 0.05
    header: tuple[str, ...] = ()
    keep_duplicates: bool = False
    schema: Literal["keep", "update"] = "keep"


class Campaign(_Section, frozen=True):
    min_provisioned_tps: Count = 1
    exploration_weight: Fraction | None = None
    exploration_item_age_cut_off: Count | None = None


class Gate(_Section, frozen=True):
    """When a candidate replaces the live version.

    It must score at least `over_popularity` times the popularity baseline, and not lose more than
    `max_regression` (relative) against live. Unset, `over_popularity` is 1.10, and 0 for related
    items: what goes with an item is no guess at what sells. The newest interactions of `withhold`
    of all users, between `min_users` and `max_users`, are the truth. `when_unsure` decides where
    the sample cannot tell; a first version without evidence against it is promoted, since nothing
    is live that it could harm.
    """

    metric: Metric = "normalized_discounted_cumulative_gain_at_10"
    over_popularity: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    max_regression: Fraction = 0.02
    when_unsure: Literal["hold", "promote"] = "hold"
    withhold: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.02
    min_users: Count = 200
    max_users: Count = 2000


class Batch(_Section, frozen=True):
    """A batch inference job for every known user after each promotion."""

    num_results: Annotated[int, msgspec.Meta(ge=1, le=500)] = 25
    filter: Name | None = None


class Solution(_Section, frozen=True):
    name: Name
    recipe: Recipe
    campaign: Campaign | None = Campaign()
    gate: Gate = Gate()
    batch: Batch | None = None
    settings: dict[str, Scalar] = {}
    event_weights: dict[str, Fraction] = {}
    event_value_threshold: float | None = None
    hpo: bool = False


class Filter(_Section, frozen=True):
    name: Name
    expression: Annotated[str, msgspec.Meta(min_length=1, max_length=2500)]


class Dataset(_Section, frozen=True):
    """A folder of the drop that is not called like a dataset, or a dataset with rules of its own.

    `name` is the folder, `dataset` what it becomes; `events` keeps only these event types;
    `columns` adds to `source.columns`.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[^/\s][^/]*$", max_length=128)]
    dataset: DatasetName
    columns: ColumnMap = {}
    events: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    drop_columns: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    textual: str | None = None


class Config(_Section, frozen=True):
    group: Group = Group()
    source: Source = Source()
    solution: tuple[Solution, ...] = (
        Solution(name="for-you", recipe="aws-user-personalization-v2"),
        Solution(name="similar", recipe="aws-similar-items"),
    )
    filter: tuple[Filter, ...] = ()
    dataset: tuple[Dataset, ...] = ()

    def columns_for(self, folder: str) -> dict[str, str]:
        """The column map of a drop folder: the source's, overridden by the folder's own."""
        return {
            **self.source.columns,
            **next((d.columns for d in self.dataset if d.name == folder), {}),
        }

    def dataset_of(self, folder: str) -> str | None:
        """The dataset a drop folder becomes by configuration, or None when the config does not
        mention it.
        """
        return next((d.dataset for d in self.dataset if d.name == folder), None)

    def folder(self, folder: str) -> Dataset | None:
        """The `[[dataset]]` section of a drop folder."""
        return next((d for d in self.dataset if d.name == folder), None)


METRICS: tuple[str, ...] = get_args(Metric)
DATASETS: tuple[str, ...] = get_args(DatasetName)
DEFAULT_GATE = Gate()


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names key, value and expectation."""


def load(text: str | None, group: str) -> Config:
    """The config of `group` from the text of its `recdrop.toml`; None gives the defaults.

    :raises ConfigError: for bad TOML, unknown keys, wrong values, names that are used twice or too
        long.
    """
    check_group_name(group)
    config = _convert(_parse(text)) if text is not None else Config()
    _check_names(config, group)
    return config


def check_group_name(group: str) -> str:
    """:raises ConfigError: when the first folder of a drop cannot name a dataset group."""
    if len(group) > MAX_NAME or not re.fullmatch(NAME_PATTERN.strip("^$"), group):
        raise ConfigError(
            f"Group name {group!r} cannot name a dataset group. "
            f"Expected 1 to {MAX_NAME} letters, digits, '-' or '_', beginning with a letter or digit."
        )
    return group


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `recdrop.toml` for editors; docs/recdrop.schema.json is this, written
    down.
    """
    schema = msgspec.json.decode(
        msgspec.json.encode(msgspec.json.schema(Config))
    )  # defaults are tuples until written
    for definition in schema["$defs"].values():
        # Up to 3.12 Python keeps the indentation of a docstring's later lines; from 3.13 on it does not.
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "recdrop.toml",
        **schema,
    }


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recdrop.toml is not valid TOML: {error}.") from error


def _convert(raw: dict[str, Any]) -> Config:
    try:
        return msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), raw)) from error


def _explain(message: str, raw: dict[str, Any]) -> str:
    """msgspec says `Invalid enum value 'x' - at `$.solution[0].gate.metric``; we say key, value,
    expectation.
    """
    problem, _, where = message.partition(" - at ")
    steps: list[str | int] = [
        int(index) if index else name
        for name, index in re.findall(r"\.([A-Za-z_]\w*)|\[(\d+)\]", where.strip("`"))
    ]
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")
    if unknown := re.search(r"unknown field `(.*)`", problem):
        return _explain_unknown(unknown[1], key, steps)
    if missing := re.search(r"missing required field `(.*)`", problem):
        return f"Config section {key!r} has no key {missing[1]!r}. Expected {_expectation([*steps, missing[1]])}."
    if "..." in where:
        return f"Config key {key!r}: {problem}."
    return f"Config key {key!r} has value {_value(raw, steps)!r}. Expected {_expectation(steps)}.{_hint(raw, steps)}"


def _explain_unknown(name: str, section: str, steps: list[str | int]) -> str:
    known = sorted(_resolve(_node(steps)).get("properties", {}))
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    full = f"{section}.{name}" if section else name
    return f"Config key {full!r} is unknown.{hint} Expected one of: {', '.join(known)}."


def _value(raw: Any, steps: list[str | int]) -> Any:
    for step in steps:
        raw = raw[step]
    return raw


def _hint(raw: dict[str, Any], steps: list[str | int]) -> str:
    choices = [str(c) for c in _choices(_node(steps))]
    close = difflib.get_close_matches(str(_value(raw, steps)), choices, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _resolve(node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _resolve(_SCHEMA["$defs"][node["$ref"].rsplit("/", 1)[1]])
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolve({k: v for k, v in node.items() if k != "anyOf"} | choice)
    return node


def _node(steps: list[str | int]) -> dict[str, Any]:
    node = _resolve(_SCHEMA)
    for step in steps:
        if isinstance(step, int):
            node = _resolve(node.get("items") or {})
        else:
            node = _resolve(
                node.get("properties", {}).get(step) or node.get("additionalProperties") or {}
            )
    return node


def _choices(node: dict[str, Any]) -> list[Any]:
    return node.get("enum") or []


def _expectation(steps: list[str | int]) -> str:
    node = _node(steps)
    if choices := [c for c in _choices(node) if c is not None]:
        return "one of: " + ", ".join(map(str, choices))
    if node.get("pattern") == NAME_PATTERN:
        return f"a name of 1 to {MAX_NAME} letters, digits, '-' or '_'"
    if "pattern" in node and "description" in node:
        return str(node["description"])
    return _type_expectation(node)


def _type_expectation(node: dict[str, Any]) -> str:
    kinds = {
        "number": "a number",
        "integer": "a whole number",
        "string": "a text",
        "boolean": "true or false",
        "object": "a table",
        "array": "a list",
    }
    text = kinds.get(str(node.get("type")), "another type")
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    return f"{text} of at least {low}" if low is not None else text


def _check_names(config: Config, group: str) -> None:
    named: tuple[tuple[str, Sequence[Solution | Filter | Dataset]], ...] = (
        ("solution", config.solution),
        ("filter", config.filter),
        ("dataset", config.dataset),
    )
    for section, entries in named:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            key = f"{section}[{index}].name"
            if entry.name in seen:
                raise ConfigError(
                    f"Config key {key!r} has value {entry.name!r}. Expected a name used once: it is already taken."
                )
            seen.add(entry.name)
            if section != "dataset" and len(group) + 1 + len(entry.name) > MAX_NAME:
                raise ConfigError(
                    f"Config key {key!r} has value {entry.name!r}. Expected at most {MAX_NAME - 1 - len(group)} characters: "
                    f"'{group}-{entry.name}' must fit {MAX_NAME}."
                )
    _check_gates(config)
    _check_timezone(config.source.timezone)


def _check_timezone(timezone: str) -> None:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = zoneinfo.available_timezones()
        if (
            timezone == "UTC" or not known
        ):  # a system without a zone database cannot judge; DuckDB has its own
            return
        close = difflib.get_close_matches(timezone, sorted(known), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(
            f"Config key 'source.timezone' has value {timezone!r}. Expected an IANA zone such as Europe/Berlin.{hint}"
        ) from error


def _check_gates(config: Config) -> None:
    for index, solution in enumerate(config.solution):
        if solution.gate.min_users > solution.gate.max_users:
            raise ConfigError(
                f"Config key 'solution[{index}].gate.min_users' has value {solution.gate.min_users}. "
                f"Expected at most max_users, which is {solution.gate.max_users}."
            )


_SCHEMA = json_schema()
