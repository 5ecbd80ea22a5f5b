from __future__ import annotations

import pytest

from chalicelib.config.sections import Campaign
from chalicelib.errors import ResourceFailed
from chalicelib.personalize.campaigns import campaign_config
from chalicelib.runs import Run
from tests.chalicelib.town import Servers, persist


def version_of(run: Run, solution: str) -> str:
    version = run.ledger.version(run.name, solution)
    assert version is not None
    return version


def test_a_campaign_is_created_then_waited_for_then_found(promoted: Run) -> None:
    personalize, version = promoted.context.personalize, version_of(promoted, "for-you")
    assert personalize.serving_version("promoted", "elsewhere") is None

    def serve() -> str:
        return personalize.serve("promoted", "elsewhere", version, Campaign(), metadata=False)

    assert persist(serve) == persist(serve) == personalize.arns.campaign("promoted-elsewhere")
    assert personalize.serving_version("promoted", "elsewhere") == version


def test_a_failed_update_is_told_and_the_old_version_serves_on(
    promoted: Run, servers: Servers
) -> None:
    personalize = promoted.context.personalize
    old, new = version_of(promoted, "for-you"), retrained(promoted)
    persist(lambda: personalize.serve("promoted", "failing", old, Campaign(), metadata=False))
    servers.plan_fault(operation="UpdateCampaign", fault="job", reason="No instances.")
    with pytest.raises(
        ResourceFailed, match=r"its update: CREATE FAILED: No instances|No instances"
    ):
        persist(lambda: personalize.serve("promoted", "failing", new, Campaign(), metadata=False))
    assert personalize.serving_version("promoted", "failing") == old


def retrained(run: Run) -> str:
    personalize, solution = run.context.personalize, run.solution("for-you")
    version = persist(lambda: personalize.train(run.group, solution, "once-more"))
    persist(lambda: personalize.check_trained(version))
    return version


def test_a_campaign_is_asked_by_user_by_item_and_for_a_ranking(promoted: Run) -> None:
    personalize = promoted.context.personalize
    items = personalize.ask("promoted", "for-you", {"userId": "u001"}, ["TASTE"])
    assert items[0].startswith("i1")  # u001 goes round the items of taste 1
    assert len(personalize.ask("promoted", "similar", {"itemId": "i10"}, [])) > 5


@pytest.mark.parametrize(
    ("wanted", "metadata", "expected"),
    [
        (Campaign(), True, {"enableMetadataWithRecommendations": True}),
        (
            Campaign(exploration_weight=0.3, exploration_item_age_cut_off=30),
            False,
            {
                "enableMetadataWithRecommendations": False,
                "itemExplorationConfig": {
                    "explorationWeight": "0.3",
                    "explorationItemAgeCutOff": "30",
                },
            },
        ),
    ],
)
def test_the_config_becomes_what_create_campaign_wants(
    wanted: Campaign, metadata: bool, expected: dict[str, object]
) -> None:
    assert campaign_config(wanted, metadata=metadata) == expected
