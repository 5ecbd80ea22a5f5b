"""Whatever lies at recdrop.toml, the answer is a config or one sentence that can be sent to people."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.config.loading import ConfigError, load

MAX_TOLD = 5_000  # characters: a message that a person can read
LONG = "x" * 100_000
KEYS = (
    "group",
    "group.domain",
    "source",
    "source.kind",
    "source.complete",
    "source.columns",
    "source.columns.USER_ID",
    "source.timezone",
    "source.max_bad_rows",
    "source.schema",
    "dataset",
    "solution",
    "filter",
    "unknown",
)
SECTIONS = ("dataset", "solution", "filter")
ENTRY_KEYS = (
    "name",
    "dataset",
    "columns",
    "recipe",
    "hpo",
    "settings",
    "campaign",
    "campaign.min_provisioned_tps",
    "gate",
    "gate.metric",
    "gate.over_popularity",
    "gate.min_users",
    "batch",
    "batch.num_results",
    "event_weights",
    "event_weights.view",
    "event_value_threshold",
    "expression",
    "categorical",
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="'\n\r"), max_size=20)
values = st.one_of(
    st.just("''"),
    texts.map(lambda text: f"'{text}'"),
    st.just("'" + "x" * 5_000 + "'"),
    st.integers(-(10**40), 10**40).map(str),
    st.integers(1, 6_000).map("9".__mul__),
    st.integers(1, 6_000).map(lambda digits: "0x" + "f" * digits),
    st.floats().map(str),
    st.sampled_from(["true", "inf", "-nan", "1e400", "1979-05-27", "07:32:00", "{}", "[]"]),
    st.integers(1, 3_000).map(lambda depth: "[" * depth + "]" * depth),
    st.integers(1, 3_000).map(lambda depth: "{a=" * depth + "1" + "}" * depth),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    lines = [
        f"{key} = {draw(values)}"
        for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=2))
    ]
    for section in draw(st.lists(st.sampled_from(SECTIONS), max_size=2)):
        lines.append(f"[[{section}]]")
        chosen = draw(st.lists(st.sampled_from(ENTRY_KEYS), unique=True, max_size=4))
        lines += [f"{key} = {draw(values)}" for key in chosen]
    return "\n".join(lines)


def check(text: str) -> None:
    """Any other error than ConfigError fails the test."""
    try:
        msgspec.json.encode(load(text, "shop"))  # as it is stored
    except ConfigError as error:
        told = str(error)
        assert 0 < len(told) <= MAX_TOLD
        told.encode()


@settings(max_examples=400, deadline=None)
@given(files())
def test_a_file_of_any_values_is_a_config_or_an_explained_error(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
@example("\x00")
@example("a = " + "[" * 3_000)
@example("a." * 3_000 + "a = 1")
def test_a_file_of_any_text_is_a_config_or_an_explained_error(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "value", ["[" * 5_000 + "]" * 5_000, "9" * 5_000, "0x" + "f" * 5_000, f"'{LONG}'"]
)
@pytest.mark.parametrize("key", ["group.domain", "source.max_bad_rows", "unknown"])
def test_a_value_that_cannot_be_shown_is_named_by_its_key(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=r"recdrop\.toml|domain|max_bad_rows|unknown"):
        load(f"{key} = {value}", "shop")


def test_a_config_that_holds_is_one() -> None:
    text = "source.timezone = 'UTC'\n[[solution]]\nname = 'a'\nrecipe = 'aws-sims'"
    assert load(text, "shop").solution[0].recipe == "aws-sims"
