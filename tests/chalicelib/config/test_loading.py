from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import errors
from chalicelib.config.loading import ConfigError, load
from chalicelib.config.sections import Config, Gate
from chalicelib.vocabulary.metrics import METRICS
from chalicelib.vocabulary.recipes import RECIPES, USER_PERSONALIZATION, Recipe

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
gate = { metric = "precision_at_10", over_popularity = 1.20, max_regression = 0.02 }

[[filter]]
name = "not-purchased"
expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")'
"""


def test_no_file_at_all_gives_two_solutions_from_any_source() -> None:
    config = load(None, "shop")
    assert [(s.name, s.recipe) for s in config.solution] == [
        ("for-you", "aws-user-personalization-v2"),
        ("similar", "aws-similar-items"),
    ]
    assert (config.source.kind, config.source.complete, config.source.mode) == (
        "auto",
        "auto",
        None,
    )
    assert config.solution[0].gate == Gate()


def test_the_designs_example_is_read() -> None:
    config = load(DESIGN, "shop")
    assert config.group.domain == "ECOMMERCE"
    assert config.solution[0].gate.over_popularity == 1.20
    assert config.columns_for("interactions") == {
        "USER_ID": "customer_id",
        "TIMESTAMP": "ordered_at",
    }
    assert config.columns_for("clicks") == {"USER_ID": "customer_id", "TIMESTAMP": "clicked_at"}
    assert config.mapped == {"clicks": "interactions"}
    assert config.filter[0].name == "not-purchased"


def test_an_empty_file_is_the_default() -> None:
    assert load("", "shop") == Config()
    assert load("\ufeff", "shop") == Config()


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "[group]\ndomain = 'ECOMERCE'",
            (
                "'group.domain' has value 'ECOMERCE'. Expected one of: ECOMMERCE, VIDEO_ON_DEMAND. "
                "Did you mean 'ECOMMERCE'?"
            ),
        ),
        ("[sourse]", "Config key 'sourse' is unknown. Did you mean 'source'?"),
        ("[source]\ncolums = {}", "Config key 'source.colums' is unknown. Did you mean 'columns'?"),
        (
            "[source]\ncomplete = 'quiet'",
            (
                "'source.complete' has value 'quiet'. "
                "Expected auto, manifest, marker, each-file or quiet:<n>s|m|h"
            ),
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
            "Config key 'solution[0].gate.metric' has value 'ndcg'. Expected one of: log_rank_",
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
        load(toml, "shop")
    assert message in str(error.value)


def test_group_and_solution_names_together_fit_personalizes_63_characters() -> None:
    name = "a" * 58
    assert load(f"[[solution]]\nname = '{name}'\nrecipe = 'svd'", "shop").solution[0].name == name
    with pytest.raises(ConfigError, match="Expected at most 58 characters"):
        load(f"[[solution]]\nname = '{name}a'\nrecipe = 'svd'", "shop")


@pytest.mark.parametrize("group", ["", "-shop", "my shop", "a" * 64, "shöp", "shop\n"])
def test_a_folder_that_cannot_name_a_dataset_group_is_refused(group: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a dataset group"):
        load(None, group)


@pytest.mark.parametrize("metric", ["coverage", "precision_at_7", ""])
def test_a_metric_that_the_gate_cannot_compute_is_refused_before_anything_is_trained(
    metric: str,
) -> None:
    with pytest.raises(ConfigError) as error:
        load(SVD + f"gate = {{ metric = '{metric}' }}", "shop")
    message = f"Config key 'solution[0].gate.metric' has value {metric!r}. Expected one of: "
    assert str(error.value).startswith(message)
    assert "coverage" not in str(error.value).removeprefix(message)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_of_the_gate_can_be_named(metric: str) -> None:
    loaded = load(SVD + f"gate = {{ metric = '{metric}' }}", "shop")
    assert loaded.solution[0].gate.metric == metric


def test_a_recipe_with_a_slip_of_the_pen_is_refused_with_the_likely_one() -> None:
    with pytest.raises(ConfigError) as error:
        load("[[solution]]\nname = 'a'\nrecipe = 'aws-simms'", "shop")
    assert str(error.value).endswith(", svd. Did you mean 'aws-sims'?")


@pytest.fixture
def own_recipe() -> Iterator[str]:
    recipe = Recipe("own-model", USER_PERSONALIZATION)
    RECIPES[recipe.name] = recipe
    yield recipe.name
    del RECIPES[recipe.name]


def test_a_recipe_that_is_added_as_a_row_can_be_named(own_recipe: str) -> None:
    config = f"[[solution]]\nname = 'a'\nrecipe = '{own_recipe}'"
    assert load(config, "shop").solution[0].recipe == own_recipe
    with pytest.raises(ConfigError, match="own-model"):
        load(config.replace("own-model", "own-modell"), "shop")


@pytest.mark.parametrize("value", ["3", "true", "['aws-sims']"])
def test_a_recipe_that_is_no_text_is_told_the_choices_too(value: str) -> None:
    with pytest.raises(ConfigError, match=r"'solution\[0\].recipe' has value .* one of: aws-hrnn,"):
        load(f"[[solution]]\nname = 'a'\nrecipe = {value}", "shop")


def test_a_config_error_is_a_configuration_error_to_the_state_machine() -> None:
    with pytest.raises(errors.ConfigurationError):
        load("[sourse]", "shop")


def test_the_second_of_two_solutions_is_named_by_its_place() -> None:
    second = "[[solution]]\nname = 'b'\nrecipe = 'svd'\ngate = { metric = 'coverage' }"
    with pytest.raises(ConfigError, match=r"solution\[1\]\.gate\.metric"):
        load(SVD + second, "shop")


def test_a_filter_and_a_solution_may_share_a_name_but_not_two_filters() -> None:
    one = "[[filter]]\nname = 'a'\nexpression = 'INCLUDE ItemID WHERE Items.GENRES IN ($G)'\n"
    assert load(SVD + one, "shop").filter[0].name == "a"
    with pytest.raises(
        ConfigError, match=r"'filter\[1\].name' has value 'a'. Expected a name used"
    ):
        load(one + one, "shop")


def test_the_name_of_a_dataset_section_is_a_folder_and_may_be_long() -> None:
    folder = "f" * 100
    loaded = load(f"[[dataset]]\nname = '{folder}'\ndataset = 'items'", "shop")
    assert loaded.mapped == {folder: "items"}


def test_a_wrong_value_in_a_free_table_says_so_without_a_value() -> None:
    with pytest.raises(
        ConfigError, match=r"Config key 'source.columns.*': Expected `str`, got `int`"
    ):
        load("[source]\ncolumns = { USER_ID = 3 }", "shop")


@pytest.mark.parametrize("encoding", ["nonsense", "hex", "", "a\\u0000b"])
def test_an_encoding_that_is_none_of_text_is_refused(encoding: str) -> None:
    with pytest.raises(ConfigError, match=r"source.encoding.*Expected auto, or an encoding"):
        load(f'[source]\nencoding = "{encoding}"\n', "shop")


@pytest.mark.parametrize("encoding", ["auto", "utf-16", "cp1252", "shift_jis"])
def test_an_encoding_of_text_is_taken(encoding: str) -> None:
    assert load(f'[source]\nencoding = "{encoding}"\n', "shop").source.encoding == encoding


TWO = """
[[solution]]
name = "zeta"
recipe = "aws-user-personalization-v2"

[[solution]]
name = "alpha"
recipe = "aws-hrnn"

[[solution]]
name = "rise"
recipe = "aws-trending-now"
"""


def test_the_config_names_who_answers_what() -> None:
    config = load(TWO + '[serving]\npersonal = "alpha"\ntrending = "rise"\n', "shop")
    assert config.serving.defaults == {"personal": "alpha", "trending": "rise"}
    assert config.answering == ("zeta", "alpha", "rise")
    assert load(TWO, "shop").serving.defaults == {}


@pytest.mark.parametrize(
    ("serving", "told"),
    [
        (
            'personal = "alfa"',
            "Expected a solution that is personal: zeta, alpha. Did you mean 'alpha'?",
        ),
        ('popular = "rise"', "Expected a solution that is popular: (none)."),
        ('personal = "rise"', "Expected a solution that is personal: zeta, alpha."),
    ],
)
def test_a_default_must_be_there_and_be_for_it(serving: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"{TWO}[serving]\n{serving}\n", "shop")
    assert told in str(caught.value)


USE = """
[[solution]]
name = "a"
recipe = "{recipe}"
"""


@pytest.mark.parametrize(
    ("recipe", "keys", "told"),
    [
        ("aws-sims", "event_value_threshold = 3.0", "Expected an event_type beside it"),
        ("aws-sims", 'event_type = "v"\nevent_weights = { v = 1.0 }', "Expected either event_type"),
        ("aws-next-best-action", "batch = {}", "aws-next-best-action has no batch job"),
        ("aws-sims", "batch = { num_results = 501 }", "Expected a whole number from 1 to 500"),
        ("aws-sims", 'batch = { items = ["i"] }', "Expected none."),
        ("aws-item-attribute-affinity", "", "has no attributes. Expected attributes such as"),
    ],
)
def test_what_personalize_would_refuse_late_is_refused_at_once(
    recipe: str, keys: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(USE.format(recipe=recipe) + keys, "shop")
    assert told in str(caught.value)


DOMAIN = """
[group]
domain = "ECOMMERCE"

[[recommender]]
name = "for-you"
use_case = "aws-ecomm-recommended-for-you"
"""


def test_a_domain_group_with_recommenders_has_no_solutions_by_default() -> None:
    config = load(DOMAIN, "shop")
    assert (config.answering, config.solution) == (("for-you",), ())
    beside = load(f"{DOMAIN}stopped = true\n{USE.format(recipe='aws-sims')}", "shop")
    assert (beside.trained, beside.answering) == (("for-you", "a"), ("a",))
    named = load(DOMAIN + '[serving]\npersonal = "for-you"\n', "shop")
    assert named.serving.defaults == {"personal": "for-you"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DOMAIN.replace("ECOMMERCE", "VIDEO_ON_DEMAND"), "group.domain, which is VIDEO_ON_DEMAND"),
        (DOMAIN.replace('domain = "ECOMMERCE"', ""), "group.domain, which is not set"),
        (DOMAIN.replace("for-you", "for-yuo"), "Did you mean 'aws-ecomm-recommended-for-you'?"),
        (
            DOMAIN.replace("recommended-for-you", "popular-items-by-views")
            + "exploration_weight = 0.1",
            "does not explore",
        ),
        (DOMAIN + 'exclude_columns = { actions = ["A"] }', "Expected interactions, items or users"),
        (
            DOMAIN + USE.format(recipe="aws-sims").replace('"a"', '"for-you"'),
            "it is already taken",
        ),
        (DOMAIN + "gate = { min_users = 9, max_users = 8 }", "recommender[0].gate.min_users"),
    ],
)
def test_a_recommender_that_cannot_be_is_refused_at_once(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text, "shop")
    assert told in str(caught.value)


def test_more_than_the_quota_is_refused_when_the_config_is_read() -> None:
    six = "".join(USE.format(recipe="aws-sims").replace('"a"', f'"s{n}"') for n in range(6))
    with pytest.raises(ConfigError, match=r"asks for 6 campaigns\. Expected at most 5") as caught:
        load(six, "shop")
    assert "set quotas.campaigns" in str(caught.value)
    assert len(load(six + "[quotas]\ncampaigns = 6\n", "shop").with_campaign) == 6
    # What makes segments has no campaign.
    assert load(six.replace("aws-sims", "aws-item-affinity"), "shop").with_campaign == ()
