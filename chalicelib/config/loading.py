"""From the text of a `recdrop.toml` to a `Config` that holds: the checks that a type cannot say.

ConfigError   the only error: names the key, its value and what was expected
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from chalicelib import names
from chalicelib.config import explaining
from chalicelib.config.schema import CHOICES, Steps
from chalicelib.config.sections import Batch, Config, Dataset, Filter, Recommender, Solution
from chalicelib.errors import ConfigurationError, shown
from chalicelib.vocabulary.recipes import RECIPES
from chalicelib.vocabulary.use_cases import USE_CASES

MAX_CHARACTERS = 100_000  # of a file that people write
MAX_MESSAGE = 2_000  # characters
MAX_BATCH_RESULTS = 500  # of a batch inference job, for one question


class ConfigError(ConfigurationError):
    """A configuration that cannot be used; the message names key, value and expectation."""

    def __init__(self, message: str) -> None:
        super().__init__(message[:MAX_MESSAGE])


def load(text: str | None, group: str) -> Config:
    """The config of `group` from the text of its `recdrop.toml`; None gives the defaults.

    Raises:
        ConfigError: bad TOML, an unknown key, a wrong value, a name used twice or too long.
    """
    check_group_name(group)
    config = Config() if text is None else _convert(_parse(text))
    _check_choices(config)
    _check_names(config, group)
    _check_gates(config)
    _check_recommenders(config)
    _check_events(config)
    _check_batches(config)
    _check_serving(config)
    _check_quotas(config)
    _check_timezone(config.source.timezone)
    _check_encoding(config.source.encoding)
    return config


def check_group_name(group: str) -> str:
    """The name as it came.

    Raises:
        ConfigError: the first folder of a drop cannot name a dataset group.
    """
    if len(group) > names.MAX_RESOURCE or not re.fullmatch(names.PATTERN, group):
        raise ConfigError(
            f"Group name {shown(group)} cannot name a dataset group. Expected 1 to {names.MAX_RESOURCE} "
            "letters, digits, '-' or '_', beginning with a letter or digit."
        )
    return group


def _parse(text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise ConfigError(
            f"recdrop.toml has {len(text):,} characters. Expected at most {MAX_CHARACTERS:,}."
        )
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError as error:
        raise ConfigError(
            "recdrop.toml holds lists or tables nested too deeply. Expected at most three levels."
        ) from error
    # Beside TOML's own errors: a number of 5,000 digits.
    except ValueError as error:
        raise ConfigError(f"recdrop.toml is not valid TOML: {error}.") from error


def _convert(raw: dict[str, Any]) -> Config:
    # The solutions of a group without a config are not meant to stand beside recommenders.
    given = {"solution": [], **raw} if "recommender" in raw else raw
    try:
        return msgspec.convert(given, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(explaining.explain(str(error), raw)) from error


def _check_choices(config: Config) -> None:
    """What names a row of a table must name one that is there."""
    for steps, value, known in _chosen(config):
        if value not in CHOICES[known]:
            raise ConfigError(explaining.wrong_value(steps, value))


def _chosen(config: Config) -> Iterator[tuple[Steps, str, tuple[str, str]]]:
    """(where, value, which of CHOICES) of every key that names a row of a table."""
    for index, solution in enumerate(config.solution):
        yield ("solution", index, "recipe"), solution.recipe, ("Solution", "recipe")
        yield ("solution", index, "gate", "metric"), solution.gate.metric, ("Gate", "metric")
    for index, recommender in enumerate(config.recommender):
        steps = ("recommender", index)
        yield (*steps, "use_case"), recommender.use_case, ("Recommender", "use_case")
        yield (*steps, "gate", "metric"), recommender.gate.metric, ("Gate", "metric")
    for index, entry in enumerate(config.dataset):
        yield ("dataset", index, "dataset"), entry.dataset, ("Dataset", "dataset")


def _check_names(config: Config, group: str) -> None:
    named: tuple[tuple[str, Sequence[Solution | Recommender | Filter | Dataset]], ...] = (
        ("solution", config.solution),
        ("recommender", config.recommender),
        ("filter", config.filter),
        ("dataset", config.dataset),
    )
    of_solutions = {solution.name for solution in config.solution}
    for section, entries in named:
        # The API knows recommenders and solutions by their names alone.
        seen = set(of_solutions) if section == "recommender" else set[str]()
        for index, entry in enumerate(entries):
            key = f"{section}[{index}].name"
            if entry.name in seen:
                expected = "a name used once: it is already taken."
                raise ConfigError(explaining.told(key, entry.name, expected))
            seen.add(entry.name)
            # A `[[dataset]]` names a folder; solutions and filters become names in Personalize.
            if section != "dataset":
                _check_length(key, entry.name, group)


def _check_length(key: str, name: str, group: str) -> None:
    room = names.MAX_RESOURCE - len(group) - len("-")
    if len(name) > room:
        expected = f"at most {room} characters: '{group}-{name}' must fit {names.MAX_RESOURCE}."
        raise ConfigError(explaining.told(key, name, expected))


def _check_gates(config: Config) -> None:
    gates = {f"solution[{n}]": entry.gate for n, entry in enumerate(config.solution)}
    gates |= {f"recommender[{n}]": entry.gate for n, entry in enumerate(config.recommender)}
    for where, gate in gates.items():
        if gate.min_users > gate.max_users:
            key = f"{where}.gate.min_users"
            expected = f"at most max_users, which is {gate.max_users}."
            raise ConfigError(explaining.told(key, gate.min_users, expected))


def _check_recommenders(config: Config) -> None:
    """A use case belongs to a domain; only personal ones explore; columns are those of a dataset."""
    for index, entry in enumerate(config.recommender):
        key, use_case = f"recommender[{index}]", USE_CASES[entry.use_case]
        if use_case.domain != config.group.domain:
            expected = f"a use case of group.domain, which is {config.group.domain or 'not set'}."
            raise ConfigError(explaining.told(f"{key}.use_case", entry.use_case, expected))
        for name in ("exploration_weight", "exploration_item_age_cut_off"):
            if getattr(entry, name) is not None and use_case.intent != "personal":
                expected = f"none: {entry.use_case} does not explore."
                raise ConfigError(explaining.told(f"{key}.{name}", getattr(entry, name), expected))
        for kind in entry.exclude_columns:
            if kind not in ("interactions", "items", "users"):
                expected = "interactions, items or users."
                raise ConfigError(explaining.told(f"{key}.exclude_columns", kind, expected))


def _check_events(config: Config) -> None:
    """What Personalize refuses after the import is refused here."""
    for index, solution in enumerate(config.solution):
        threshold, key = solution.event_value_threshold, f"solution[{index}].event_value_threshold"
        if threshold is not None and solution.event_type is None:
            expected = "an event_type beside it, which it is the threshold of."
            raise ConfigError(explaining.told(key, threshold, expected))
        if solution.event_type is not None and solution.event_weights:
            expected = "either event_type or event_weights."
            key = f"solution[{index}].event_type"
            raise ConfigError(explaining.told(key, solution.event_type, expected))


def _check_batches(config: Config) -> None:
    for index, solution in enumerate(config.solution):
        recipe, key = RECIPES[solution.recipe], f"solution[{index}].batch"
        wanted = solution.batch or Batch()
        makes_segments = recipe.type.bulk == "segment"
        if solution.batch is not None and recipe.type.bulk is None:
            raise ConfigError(f"Config key {key!r}: {recipe.name} has no batch job. Expected none.")
        if not makes_segments and wanted.num_results > MAX_BATCH_RESULTS:
            expected = f"a whole number from 1 to {MAX_BATCH_RESULTS}: {recipe.name} gives no more."
            raise ConfigError(explaining.told(f"{key}.num_results", wanted.num_results, expected))
        for name in ("items", "attributes"):
            given = getattr(wanted, name)
            most = recipe.segments.get(name, 0)
            if len(given) > most:
                expected = f"at most {most}: {recipe.name} takes no more." if most else "none."
                raise ConfigError(explaining.told(f"{key}.{name}", list(given), expected))
        if recipe.segments.get("attributes") and not wanted.attributes:
            example = "attributes such as 'ITEMS.CATEGORY_L1 = \"tea\"'."
            raise ConfigError(f"Config key {key!r} has no attributes. Expected {example}")


def _check_quotas(config: Config) -> None:
    """A file that names more than may ever be there; what is there already is looked at by each run."""
    named: tuple[tuple[str, int], ...] = (
        ("campaigns", len(config.with_campaign)),
        ("recommenders", len(config.recommender)),
        ("solutions", len(config.solution)),
        ("filters", len(config.filter)),
    )
    for kind, count in named:
        most = getattr(config.quotas, kind)
        if count > most:
            raise ConfigError(
                f"recdrop.toml asks for {count} {kind}. Expected at most {most}, Personalize's quota of "
                f"a dataset group: name fewer, or have it raised at AWS and set quotas.{kind}."
            )


def _check_serving(config: Config) -> None:
    """A default must be there, and be for what it is the default of."""
    intents = {entry.name: RECIPES[entry.recipe].intent for entry in config.solution}
    intents |= {entry.name: USE_CASES[entry.use_case].intent for entry in config.recommender}
    for intent, name in config.serving.defaults.items():
        fitting = [known for known, found in intents.items() if found == intent]
        if name not in fitting:
            key, hint = f"serving.{intent}", explaining.did_you_mean(name, fitting)
            expected = f"a solution that is {intent}: {', '.join(fitting) or '(none)'}.{hint}"
            raise ConfigError(explaining.told(key, name, expected))


def _check_encoding(encoding: str) -> None:
    try:
        # A letter, for of an empty text Python does not look the encoding up.
        "a".encode("ascii" if encoding == "auto" else encoding)
    except (LookupError, ValueError) as error:
        expected = "auto, or an encoding of text such as utf-8, cp1252, shift_jis."
        raise ConfigError(explaining.told("source.encoding", encoding, expected)) from error


def _check_timezone(timezone: str) -> None:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = zoneinfo.available_timezones()
        # A system without a zone database cannot judge a name. DuckDB, which reads the times, has one.
        if timezone == "UTC" or not known:
            return
        hint = explaining.did_you_mean(timezone, known)
        expected = f"an IANA zone such as Europe/Berlin.{hint}"
        raise ConfigError(explaining.told("source.timezone", timezone, expected)) from error
