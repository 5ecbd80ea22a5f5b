"""What fails on the way: told by name, nothing lost, and the next run of the same export serves.

Every test has a dataset group of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.shop import (
    DAY,
    FIRST_DAY,
    ONE_SOLUTION,
    Shop,
    csv,
    purchases,
    wait_for,
)

# With a record of its calls it is run by `make check-permissions`, which CI does too.
pytestmark = pytest.mark.slow


def test_a_failed_training_fails_the_run_by_name_and_the_other_solution_goes_on(shop: Shop) -> None:
    shop.plan_personalize_fault(
        {
            "operation": "CreateSolutionVersion",
            "call": 1,
            "fault": "job",
            "reason": "Out of capacity.",
        }
    )
    shop.drop({"broken/interactions/orders.csv": csv(purchases(seed=6))})
    report = shop.finish("broken")
    outcomes = {s["solution"]: s["result"] for s in report["solutions"]}
    assert sorted(outcomes.values()) == ["failed", "promoted"]
    assert (report["status"], report["execution_status"]) == ("failed", "FAILED")
    assert "Out of capacity." in report["reason"]
    assert shop.lease_holder("broken") is None

    shop.drop(
        {"broken/interactions/orders.csv": csv(purchases(seed=6))}
    )  # the same export again: a new attempt
    assert shop.finish("broken")["status"] == "succeeded"


ALL_KINDS = (
    *("DatasetGroup", "Dataset", "EventTracker", "Filter", "DatasetImportJob", "Solution"),
    *("SolutionVersion", "BatchInferenceJob", "Campaign"),
)


@pytest.mark.parametrize(
    "kinds",
    [("Dataset", "Campaign"), pytest.param(ALL_KINDS, marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_an_export_is_served_in_the_end_whatever_failed_to_be_made_before(
    shop: Shop, kinds: tuple[str, ...]
) -> None:
    """One kind after another fails, each in a run of its own; nobody clears anything away."""
    group = f"mended-{len(kinds)}"
    config = (
        ONE_SOLUTION
        + b"""[[filter]]
name = "seen"
expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'
"""
    )
    drop = {
        f"{group}/recdrop.toml": config,
        f"{group}/interactions/a.csv": csv(purchases(seed=15)),
    }
    for kind in kinds:
        shop.plan_personalize_fault({"operation": f"Create{kind}", "call": 1, "fault": "job"})
        shop.drop(drop)
        report = shop.finish(group)
        assert (report["status"], "CREATE FAILED" in report["reason"]) == ("failed", True), kind
        assert "drop the same export again" in report["next_command"]
    shop.drop(drop)
    report = shop.finish(group)
    assert report["status"] == "succeeded", report["reason"]
    assert shop.get(f"/recommendations/u001?group={group}")[1]["source"] == "campaign"


def test_a_run_that_was_stopped_by_hand_is_ended_and_the_same_export_runs_again(
    shop: Shop,
) -> None:
    shop.plan_personalize_fault(
        {"operation": "CreateDatasetGroup", "call": 1, "fault": "stuck", "seconds": 4}
    )
    drop = {
        "stopped/recdrop.toml": ONE_SOLUTION,
        "stopped/interactions/a.csv": csv(purchases(seed=16)),
    }
    shop.drop(drop)
    stopped = wait_for(lambda: shop.lease_holder("stopped"), "the run to hold the group", 30)
    (execution,) = shop.executions("stopped")
    shop.workflow.stop_execution(executionArn=execution["executionArn"])
    shop.known.add(execution["executionArn"])
    assert (shop.ledger(f"run#{stopped}", "run") or {})["status"] == "running"

    shop.expire_lease("stopped")  # half an hour later
    shop.drop(drop)
    report = shop.finish("stopped")
    assert (report["status"], report["run"]) == ("succeeded", f"{stopped}-2")
    record = shop.ledger(f"run#{stopped}", "run") or {}
    assert (record["status"], "wrote no report" in record["reason"]) == ("failed", True)
    assert any(f"run {stopped} failed" in told for told in shop.notifications("stopped"))


def test_a_dropped_connection_however_often_ends_in_words_and_not_in_an_attribute_error(
    shop: Shop,
) -> None:
    """Six at one call are more than boto3 and the state machine try again."""
    drop = {
        "cut/recdrop.toml": ONE_SOLUTION,
        "cut/interactions/a.csv": csv(purchases(seed=17)),
    }
    shop.plan_personalize_fault({"operation": "CreateSolution", "fault": "timeout-before"})
    shop.drop(drop)
    report = shop.finish("cut", seconds=120)
    assert report["status"] == "failed"
    assert "ServiceUnavailable in 'Train': ConnectionClosedError" in report["reason"]
    shop.clear_personalize_faults()
    shop.drop(drop)
    assert shop.finish("cut")["status"] == "succeeded"


def serve(shop: Shop, group: str, seed: int) -> str | None:
    """The version that serves a first export; a second one is promoted whatever it scores."""
    gate = b'gate = { when_unsure = "promote", over_popularity = 0.0, max_regression = 1.0 }\n'
    files = {f"{group}/interactions/orders.csv": csv(purchases(seed=seed))}
    shop.drop({f"{group}/recdrop.toml": ONE_SOLUTION + gate, **files})
    assert shop.finish(group)["status"] == "succeeded"
    return shop.serving(group)


def drop_more(shop: Shop, group: str, seed: int) -> dict[str, Any]:
    """The report of the same export with a second season."""
    later = purchases(seed=seed + 1, start=FIRST_DAY + 101 * DAY)
    shop.drop({f"{group}/interactions/orders.csv": csv([*purchases(seed=seed), *later])})
    return shop.finish(group)


def test_a_failed_campaign_update_leaves_the_old_version_serving(shop: Shop) -> None:
    live = serve(shop, "update", seed=7)

    shop.plan_personalize_fault(
        {"operation": "UpdateCampaign", "call": 1, "fault": "job", "reason": "No instances left."}
    )
    report = drop_more(shop, "update", seed=7)
    assert report["status"] == "failed"
    assert "No instances left." in report["reason"]
    assert shop.serving("update") == live
    assert shop.get("/recommendations/u001?group=update")[1]["solutionVersion"] == live


def test_a_campaign_that_does_not_answer_after_its_update_is_rolled_back(shop: Shop) -> None:
    live = serve(shop, "back", seed=13)

    shop.plan_personalize_fault(
        {
            "operation": "GetRecommendations",
            "call": 1,
            "fault": "error",
            "code": "ValidationException",
            "status": 400,
        }
    )
    report = drop_more(shop, "back", seed=13)
    assert report["status"] == "failed"
    assert "Verify campaign" in report["reason"]
    assert shop.serving("back") == live
    assert any(stage["name"] == "Roll back" for stage in report["stages"])


def test_a_lambda_killed_in_the_middle_is_tried_again_and_nothing_is_made_twice(shop: Shop) -> None:
    shop.plan_lambda_fault(function="Train", when="after", error="Lambda.Unknown", times=1)
    shop.plan_lambda_fault(function="CheckExport", when="after", error="Sandbox.Timedout", times=1)
    shop.plan_lambda_fault(
        function="UpdateCampaign", when="before", error="Lambda.Unknown", times=1
    )
    shop.drop(
        {
            "killed/recdrop.toml": ONE_SOLUTION + b'gate = { when_unsure = "promote" }\n',
            "killed/interactions/orders.csv": csv(purchases(seed=9)),
        }
    )
    report = shop.finish("killed")
    assert report["status"] == "succeeded", report["reason"]
    personalize = shop.stack.boto_client("personalize")
    solution = personalize.list_solutions()["solutions"]
    arn = next(s["solutionArn"] for s in solution if s["name"] == "killed-for-you")
    assert len(personalize.list_solution_versions(solutionArn=arn)["solutionVersions"]) == 1
