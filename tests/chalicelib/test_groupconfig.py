from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chalicelib import groupconfig
from chalicelib.groupconfig import Config, ConfigError

SVD = "[[solution]]\nname = 'a'\nrecipe = 'svd'\n"
DESIGN = """
[group]
domain = "ECOMMERCE"

[source]
kind = "snowflake"
complete = "manifest"
columns = { USER_ID = "customer_id", TIMESTAMP = "ordered_at" }

[[dataset]]
name = "clicks"
dataset = "interactions"
columns = { TIMESTAMP = "clicked_at" }

[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
campaign = { min_provisioned_tps = 1 }
gate = { metric = "normalized_discounted_cumulative_gain_at_10", over_popularity = 1.10, max_regression = 0.02 }

[[filter]]
name = "not-purchased"
expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")'
"""


def test_no_file_at_all_gives_two_solutions_from_a_plain_source() -> None:
    config = groupconfig.load(None, "shop")
    assert [(s.name, s.recipe) for s in config.solution] == [
        ("for-you", "aws-user-personalization-v2"),
        ("similar", "aws-similar-items"),
    ]
    assert (config.source.kind, config.source.complete, config.source.mode) == (
        "plain",
        "auto",
        "FULL",
    )
    assert config.solution[0].gate == groupconfig.DEFAULT_GATE


def test_the_designs_example_is_read() -> None:
    config = groupconfig.load(DESIGN, "shop")
    assert config.group.domain == "ECOMMERCE"
    assert config.solution[0].gate.over_popularity == 1.10
    assert config.columns_for("interactions") == {
        "USER_ID": "customer_id",
        "TIMESTAMP": "ordered_at",
    }
    assert config.columns_for("clicks") == {"USER_ID": "customer_id", "TIMESTAMP": "clicked_at"}
    assert config.dataset_of("clicks") == "interactions"
    assert config.filter[0].name == "not-purchased"


def test_an_empty_file_is_the_default() -> None:
    assert groupconfig.load("", "shop") == Config()
    assert groupconfig.load("\ufeff", "shop") == Config()


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "[group]\ndomain = 'ECOMERCE'",
            "Config key 'group.domain' has value 'ECOMERCE'. Expected one of: ECOMMERCE, VIDEO_ON_DEMAND. Did you mean 'ECOMMERCE'?",
        ),
        ("[sourse]", "Config key 'sourse' is unknown. Did you mean 'source'?"),
        ("[source]\ncolums = {}", "Config key 'source.colums' is unknown. Did you mean 'columns'?"),
        (
            "[source]\ncomplete = 'quiet'",
            "Config key 'source.complete' has value 'quiet'. Expected auto, manifest, marker, each-file or quiet:<n>s|m|h",
        ),
        (
            "[source]\nmax_bad_rows = 3",
            "Config key 'source.max_bad_rows' has value 3. Expected a number from 0 to 1.",
        ),
        (
            "[source]\nmode = 'PARTIAL'",
            "Config key 'source.mode' has value 'PARTIAL'. Expected one of: FULL, INCREMENTAL.",
        ),
        (
            "[source]\ntimezone = 'Mars/Olympus'",
            "Config key 'source.timezone' has value 'Mars/Olympus'. Expected an IANA zone",
        ),
        (
            "[[solution]]\nrecipe = 'aws-sims'",
            "Config section 'solution[0]' has no key 'name'. Expected a name of 1 to 63",
        ),
        (
            "[[solution]]\nname = 'a b'\nrecipe = 'aws-sims'",
            "Config key 'solution[0].name' has value 'a b'. Expected a name of 1 to 63",
        ),
        (
            "[[solution]]\nname = 'a'\nrecipe = 'aws-simms'",
            "Config key 'solution[0].recipe' has value 'aws-simms'. Expected one of:",
        ),
        (
            SVD + "gate = { metric = 'ndcg' }",
            "Config key 'solution[0].gate.metric' has value 'ndcg'. Expected one of: coverage, mean_",
        ),
        (
            SVD + "gate = { min_users = 5000 }",
            "Config key 'solution[0].gate.min_users' has value 5000. Expected at most max_users",
        ),
        (
            SVD + "campaign = { min_provisioned_tps = 0 }",
            "has value 0. Expected a whole number of at least 1.",
        ),
        (SVD + SVD, "Config key 'solution[1].name' has value 'a'. Expected a name used once"),
        (
            "[[dataset]]\nname = 'clicks'\ndataset = 'interaction'",
            "Config key 'dataset[0].dataset' has value 'interaction'. Expected one of: ",
        ),
        ("group = 3", "Config key 'group' has value 3. Expected a table."),
        ("x =", "recdrop.toml is not valid TOML"),
    ],
)
def test_an_error_names_key_value_and_expectation(toml: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        groupconfig.load(toml, "shop")
    assert message in str(error.value)


def test_group_and_solution_names_together_fit_personalizes_63_characters() -> None:
    name = "a" * 58
    assert (
        groupconfig.load(f"[[solution]]\nname = '{name}'\nrecipe = 'svd'", "shop").solution[0].name
        == name
    )
    with pytest.raises(ConfigError, match="Expected at most 58 characters"):
        groupconfig.load(f"[[solution]]\nname = '{name}a'\nrecipe = 'svd'", "shop")


@pytest.mark.parametrize("group", ["", "-shop", "my shop", "a" * 64, "shöp", "shop\n"])
def test_a_folder_that_cannot_name_a_dataset_group_is_refused(group: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a dataset group"):
        groupconfig.load(None, group)


def test_the_published_schema_is_up_to_date() -> None:
    path = Path(__file__).parents[2] / "docs" / "recdrop.schema.json"
    assert json.loads(path.read_text()) == groupconfig.json_schema()


@pytest.mark.parametrize(
    ("toml", "valid"), [(DESIGN, True), ("[group]\ndomain = 'SHOP'", False), ("[sourse]", False)]
)
def test_the_published_schema_judges_like_the_loader(toml: str, valid: bool) -> None:
    validator: Any = jsonschema.Draft202012Validator(groupconfig.json_schema())
    assert validator.is_valid(tomllib.loads(toml)) is valid
