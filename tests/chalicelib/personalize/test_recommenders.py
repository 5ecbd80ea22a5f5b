from __future__ import annotations

from chalicelib.config.sections import Recommender
from chalicelib.personalize.recommenders import recommender_config


def test_the_configuration_has_the_services_names() -> None:
    wanted = Recommender(
        name="top",
        use_case="aws-vod-top-picks",
        min_requests_per_second=3,
        exploration_weight=0.25,
        exclude_columns={"items": ("PRICE",)},
    )
    assert recommender_config(wanted, metadata=True) == {
        "minRecommendationRequestsPerSecond": 3,
        "enableMetadataWithRecommendations": True,
        "itemExplorationConfig": {"explorationWeight": "0.25"},
        "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["PRICE"]}},
    }


def test_what_the_config_leaves_out_is_the_services_own() -> None:
    plain = Recommender(name="top", use_case="aws-vod-top-picks")
    assert recommender_config(plain, metadata=False) == {
        "minRecommendationRequestsPerSecond": 1,
        "enableMetadataWithRecommendations": False,
    }
