from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recdrop.personalize.control.latency import PRESETS, REALISTIC, Latency
from tests.recdrop.personalize.driving import INTERACTIONS, schema
from tests.recdrop.personalize.simulation import ONE_SECOND, RECIPE, Refusal, Simulation

HOUR, DAY = 3600.0, 86400.0


def test_an_event_tracker_passes_through_every_state(sim: Simulation) -> None:
    tracker = sim.do("CreateEventTracker", name="t", datasetGroupArn=sim.group())
    arn = tracker["eventTrackerArn"]
    states = [sim.status("EventTracker", arn)]
    for _ in range(2):
        sim.pass_time(1)
        states.append(sim.status("EventTracker", arn))
    sim.do("DeleteEventTracker", eventTrackerArn=arn)
    for _ in range(3):
        states.append(sim.status("EventTracker", arn))
        sim.pass_time(1)
    assert states == [
        "CREATE PENDING",
        "CREATE IN_PROGRESS",
        "ACTIVE",
        "DELETE PENDING",
        "DELETE IN_PROGRESS",
        None,
    ]


def test_a_group_is_pending_until_it_is_active(sim: Simulation) -> None:
    arn = sim.do("CreateDatasetGroup", name="g")["datasetGroupArn"]
    states = [sim.status("DatasetGroup", arn)]
    for _ in range(2):
        sim.pass_time(1)
        states.append(sim.status("DatasetGroup", arn))
    sim.do("DeleteDatasetGroup", datasetGroupArn=arn)
    for _ in range(3):
        states.append(sim.status("DatasetGroup", arn))
        sim.pass_time(1)
    created, deleted = ["CREATE PENDING"] * 2 + ["ACTIVE"], ["DELETE PENDING"] * 2 + [None]
    assert states == created + deleted


def test_a_solution_is_born_active_and_trained_in_the_same_moment(sim: Simulation) -> None:
    group = sim.filled_group()
    request = {"name": "s", "datasetGroupArn": group, "recipeArn": RECIPE + "aws-sims"}
    arn = sim.do("CreateSolution", **request)["solutionArn"]
    solution = sim.describe("Solution", arn)
    assert solution["status"] == "ACTIVE"
    assert solution["lastUpdatedDateTime"] == solution["creationDateTime"]
    version = sim.do("CreateSolutionVersion", solutionArn=arn)["solutionVersionArn"]
    assert sim.status("SolutionVersion", version) == "CREATE PENDING"
    [listed] = sim.do("ListSolutions", datasetGroupArn=group)["solutions"]
    assert listed["status"] == "ACTIVE"


@pytest.mark.parametrize("latency", PRESETS)
def test_solution_and_version_back_to_back_work_at_every_latency(
    data_dir: Path, latency: str
) -> None:
    sim = Simulation(data_dir, latency=PRESETS[latency])
    group = sim.do("CreateDatasetGroup", name="g")["datasetGroupArn"]
    sim.pass_time(100, step=50)
    dataset = sim.dataset(group)
    sim.pass_time(100, step=50)
    sim.start_import(dataset, "first")
    sim.pass_time(800, step=100)
    request = {"name": "s", "datasetGroupArn": group, "recipeArn": RECIPE + "aws-sims"}
    solution = sim.do("CreateSolution", **request)["solutionArn"]
    assert sim.do("CreateSolutionVersion", solutionArn=solution)["solutionVersionArn"]
    sim.close()


def test_a_planned_failure_of_a_solution_is_there_at_once(sim: Simulation) -> None:
    group = sim.filled_group()
    sim.faults.replace('{"operation": "CreateSolution", "fault": "job", "reason": "No luck."}')
    request = {"name": "s", "datasetGroupArn": group, "recipeArn": RECIPE + "aws-sims"}
    solution = sim.describe("Solution", sim.do("CreateSolution", **request)["solutionArn"])
    assert solution["status"] == "CREATE FAILED"


def test_a_life_without_waiting_for_group_and_dataset_works_with_warnings(sim: Simulation) -> None:
    group = sim.do("CreateDatasetGroup", name="g")["datasetGroupArn"]
    schema_arn = sim.do("CreateSchema", name="s", schema=INTERACTIONS)["schemaArn"]
    request = {"name": "d", "datasetType": "INTERACTIONS", "schemaArn": schema_arn}
    dataset = sim.do("CreateDataset", datasetGroupArn=group, **request)["datasetArn"]
    job = sim.start_import(dataset, "first")
    assert {row["arn"]: row["warning"] for row in sim.warnings()} == {
        dataset: f"{group} is in status CREATE PENDING. Expected the DatasetGroup to be ACTIVE.",
        job: f"{dataset} is in status CREATE PENDING. Expected the Dataset to be ACTIVE.",
    }
    sim.pass_time(5)
    assert sim.status("DatasetImportJob", job) == "ACTIVE"
    assert sim.status("SolutionVersion", sim.version(sim.solution(group))) == "ACTIVE"


def test_events_are_kept_from_the_first_moment_of_their_tracker(sim: Simulation) -> None:
    group = sim.group()
    tracker = sim.do("CreateEventTracker", name="t", datasetGroupArn=group)
    event = {"eventType": "view", "itemId": "i1", "sentAt": 1_700_000_000}
    request = {"trackingId": tracker["trackingId"], "sessionId": "s", "eventList": [event]}
    for _ in range(2):
        sim.do("PutEvents", **request)
    [warning] = sim.warnings()
    assert warning["warning"].endswith("in status CREATE PENDING. Expected ACTIVE.")
    sim.pass_time(3)
    sim.do("DeleteEventTracker", eventTrackerArn=tracker["eventTrackerArn"])
    assert sim.refusal("PutEvents", **request) == "InvalidInputException"


def test_strict_refuses_what_is_still_on_its_way(data_dir: Path) -> None:
    sim = Simulation(data_dir, strict=True)
    group = sim.do("CreateDatasetGroup", name="g")["datasetGroupArn"]
    schema_arn = sim.do("CreateSchema", name="s", schema=INTERACTIONS)["schemaArn"]
    request = {"name": "d", "datasetType": "INTERACTIONS", "schemaArn": schema_arn}
    refusal = sim.refusal("CreateDataset", datasetGroupArn=group, **request)
    assert refusal == "ResourceInUseException"
    sim.close()


def test_a_dataset_shows_the_replacing_of_its_schema(sim: Simulation) -> None:
    group = sim.group()
    dataset = sim.dataset(group, "ITEMS")
    now = sim.describe("Dataset", dataset)["schemaArn"]
    sim.do("UpdateDataset", datasetArn=dataset, schemaArn=now)
    seen = []
    for _ in range(3):
        [listed] = sim.do("ListDatasets", datasetGroupArn=group)["datasets"]
        seen.append((sim.status("Dataset", dataset), listed["status"]))
        sim.pass_time(1)
    states = ["UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"]
    assert seen == list(zip(states, states, strict=True))


def test_a_version_is_called_as_its_arn_ends(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group(), "films")
    nameless, named = sim.version(solution), sim.version(solution, name="first")
    version_id = nameless.rpartition("/")[2]
    assert sim.describe("SolutionVersion", nameless)["name"] == f"films/{version_id}"
    assert sim.describe("SolutionVersion", named)["name"] == "first"


def test_campaigns_are_listed_by_solution_and_by_version(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    first, second = sim.version(solution), sim.version(solution)
    campaign = sim.campaign(first)
    for arn, expected in ((solution, [campaign]), (first, [campaign]), (second, [])):
        found = sim.do("ListCampaigns", solutionArn=arn)["campaigns"]
        assert [row["campaignArn"] for row in found] == expected


def test_realistic_latency_is_slow(data_dir: Path) -> None:
    sim = Simulation(data_dir, latency=REALISTIC)
    arn = sim.do("CreateDatasetGroup", name="g")["datasetGroupArn"]
    sim.pass_time(59, step=5)
    assert sim.status("DatasetGroup", arn) == "CREATE PENDING"
    sim.pass_time(10, step=5)
    assert sim.status("DatasetGroup", arn) == "ACTIVE"
    sim.close()


def test_a_failed_import_says_why_and_leaves_the_dataset_as_it_was(sim: Simulation) -> None:
    dataset = sim.dataset(sim.group())
    sim.runner.failures["import"] = "Input CSV is missing the following columns:[ITEM_ID]."
    job = sim.describe("DatasetImportJob", sim.import_data(dataset, "first"))
    assert job["status"] == "CREATE FAILED"
    assert job["failureReason"] == "Input CSV is missing the following columns:[ITEM_ID]."
    with pytest.raises(Refusal, match="Expected importMode FULL for the first import"):
        sim.start_import(dataset, "second", importMode="INCREMENTAL")


def test_nothing_is_trained_before_an_import_is_active(sim: Simulation) -> None:
    group = sim.group()
    dataset = sim.dataset(group)
    solution = sim.solution(group)
    with pytest.raises(Refusal, match="has no interactions"):
        sim.do("CreateSolutionVersion", solutionArn=solution)
    sim.start_import(dataset, "first")
    with pytest.raises(Refusal, match="has no interactions"):
        sim.do("CreateSolutionVersion", solutionArn=solution)
    sim.pass_time(3)
    assert sim.status("SolutionVersion", sim.version(solution)) == "ACTIVE"


def test_a_failed_training_ends_create_failed(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    sim.runner.failures["train"] = (
        "Create failed. Dataset has fewer than 25 users with at least 2 interactions each."
    )
    version = sim.describe("SolutionVersion", sim.version(solution))
    assert (version["status"], version["failureReason"][:14]) == ("CREATE FAILED", "Create failed.")


def test_the_outer_status_stays_active_during_an_update(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    first, second = sim.version(solution), sim.version(solution)
    campaign = sim.campaign(first)
    sim.do("UpdateCampaign", campaignArn=campaign, solutionVersionArn=second, minProvisionedTPS=4)
    seen = []
    for _ in range(3):
        found = sim.describe("Campaign", campaign)
        seen.append(
            (
                found["status"],
                found["latestCampaignUpdate"]["status"],
                found["solutionVersionArn"] == second,
            )
        )
        sim.pass_time(1)
    assert seen == [
        ("ACTIVE", "CREATE PENDING", False),
        ("ACTIVE", "CREATE IN_PROGRESS", False),
        ("ACTIVE", "ACTIVE", True),
    ]
    assert sim.describe("Campaign", campaign)["minProvisionedTPS"] == 4


def test_a_second_update_has_to_wait(sim: Simulation) -> None:
    campaign = sim.campaign(sim.version(sim.solution(sim.filled_group())))
    sim.do("UpdateCampaign", campaignArn=campaign, minProvisionedTPS=2)
    assert (
        sim.refusal("UpdateCampaign", campaignArn=campaign, minProvisionedTPS=3)
        == "ResourceInUseException"
    )
    assert sim.refusal("DeleteCampaign", campaignArn=campaign) == "ResourceInUseException"


def test_a_failed_update_leaves_the_old_version_serving(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    first, second = sim.version(solution), sim.version(solution)
    campaign = sim.campaign(first)
    sim.faults.replace(
        '[{"operation": "UpdateCampaign", "fault": "job", "reason": "No capacity."}]'
    )
    sim.do("UpdateCampaign", campaignArn=campaign, solutionVersionArn=second)
    sim.pass_time(3)
    found = sim.describe("Campaign", campaign)
    assert (found["status"], found["solutionVersionArn"]) == ("ACTIVE", first)
    update = found["latestCampaignUpdate"]
    assert (update["status"], update["failureReason"]) == ("CREATE FAILED", "No capacity.")
    sim.faults.replace("[]")
    sim.do("UpdateCampaign", campaignArn=campaign, solutionVersionArn=second)
    sim.pass_time(3)
    assert sim.describe("Campaign", campaign)["solutionVersionArn"] == second


def test_a_campaign_follows_the_latest_version(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    first = sim.version(solution)
    config = {"syncWithLatestSolutionVersion": True}
    assert (
        sim.refusal("CreateCampaign", name="c", solutionVersionArn=first, campaignConfig=config)
        == "InvalidInputException"
    )
    assert (
        sim.refusal("CreateCampaign", name="c", solutionVersionArn=f"{solution}/$LATEST")
        == "InvalidInputException"
    )
    campaign = sim.campaign(f"{solution}/$LATEST", campaignConfig=config)
    second = sim.version(solution)
    sim.pass_time(3)
    assert sim.describe("Campaign", campaign)["latestCampaignUpdate"]["status"] == "ACTIVE"
    assert sim.server.engine.store.get(campaign).notes["version"] == second  # type: ignore[union-attr]


def test_a_plain_solution_trains_itself_within_the_hour_and_then_weekly(sim: Simulation) -> None:
    group = sim.filled_group()
    dataset = group.replace("dataset-group", "dataset") + "/INTERACTIONS"
    solution = sim.do(
        "CreateSolution", name="auto", datasetGroupArn=group, recipeArn=RECIPE + "aws-sims"
    )["solutionArn"]
    assert sim.describe("Solution", solution)["performAutoTraining"] is True
    sim.pass_time(HOUR + 10, step=60)
    [first] = sim.do("ListSolutionVersions", solutionArn=solution)["solutionVersions"]
    assert (first["trainingType"], first["status"]) == ("AUTOMATIC", "ACTIVE")
    sim.pass_time(7 * DAY + HOUR, step=HOUR)
    assert len(sim.do("ListSolutionVersions", solutionArn=solution)["solutionVersions"]) == 1, (
        "no new data, no training"
    )
    sim.import_data(dataset, "second")
    sim.pass_time(7 * DAY, step=HOUR)
    assert len(sim.do("ListSolutionVersions", solutionArn=solution)["solutionVersions"]) == 2


def test_a_manual_version_in_the_first_hour_skips_the_first_automatic_one(sim: Simulation) -> None:
    group = sim.filled_group()
    solution = sim.do(
        "CreateSolution", name="auto", datasetGroupArn=group, recipeArn=RECIPE + "aws-sims"
    )["solutionArn"]
    sim.pass_time(3)
    sim.version(solution)
    sim.pass_time(2 * HOUR, step=60)
    assert len(sim.do("ListSolutionVersions", solutionArn=solution)["solutionVersions"]) == 1


def test_update_mode_needs_a_full_version_and_new_data(sim: Simulation) -> None:
    group = sim.filled_group()
    dataset = group.replace("dataset-group", "dataset") + "/INTERACTIONS"
    other = sim.solution(group, "other")
    solution = sim.solution(group, recipe="aws-user-personalization")
    update: dict[str, Any] = {"solutionArn": solution, "trainingMode": "UPDATE"}
    with pytest.raises(Refusal, match="UPDATE is for aws-user-personalization"):
        sim.do("CreateSolutionVersion", solutionArn=other, trainingMode="UPDATE")
    with pytest.raises(Refusal, match="no ACTIVE version with trainingMode FULL"):
        sim.do("CreateSolutionVersion", **update)
    sim.version(solution)
    with pytest.raises(Refusal, match="There should be updates to at least one dataset"):
        sim.do("CreateSolutionVersion", **update)
    sim.import_data(dataset, "more", importMode="INCREMENTAL")
    assert (
        sim.describe("SolutionVersion", sim.version(solution, trainingMode="UPDATE"))[
            "trainingMode"
        ]
        == "UPDATE"
    )


def test_a_training_can_be_stopped_before_and_while_it_runs(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    pending = sim.do("CreateSolutionVersion", solutionArn=solution)["solutionVersionArn"]
    sim.do("StopSolutionVersionCreation", solutionVersionArn=pending)
    assert sim.status("SolutionVersion", pending) == "CREATE STOPPED"
    running = sim.do("CreateSolutionVersion", solutionArn=solution)["solutionVersionArn"]
    sim.clock.advance(1)
    sim.server.engine.take_due_steps()
    sim.do("StopSolutionVersionCreation", solutionVersionArn=running)
    assert sim.status("SolutionVersion", running) == "CREATE STOPPING"
    sim.pass_time(3)
    assert sim.status("SolutionVersion", running) == "CREATE STOPPED"
    assert sim.runner.done.count("train") == 0
    assert (
        sim.refusal("StopSolutionVersionCreation", solutionVersionArn=running)
        == "InvalidInputException"
    )


def test_what_is_in_use_cannot_be_deleted(sim: Simulation) -> None:
    group = sim.filled_group()
    dataset = group.replace("dataset-group", "dataset") + "/INTERACTIONS"
    schema = sim.describe("Dataset", dataset)["schemaArn"]
    solution = sim.solution(group)
    campaign = sim.campaign(sim.version(solution))
    assert sim.refusal("DeleteDatasetGroup", datasetGroupArn=group) == "ResourceInUseException"
    assert sim.refusal("DeleteSolution", solutionArn=solution) == "ResourceInUseException"
    assert sim.refusal("DeleteSchema", schemaArn=schema) == "ResourceInUseException"
    sim.start_import(dataset, "second")
    assert sim.refusal("DeleteDataset", datasetArn=dataset) == "ResourceInUseException"
    for operation, arn in (
        ("DeleteCampaign", {"campaignArn": campaign}),
        ("DeleteSolution", {"solutionArn": solution}),
        ("DeleteDataset", {"datasetArn": dataset}),
        ("DeleteSchema", {"schemaArn": schema}),
        ("DeleteDatasetGroup", {"datasetGroupArn": group}),
    ):
        sim.pass_time(3)
        sim.do(operation, **arn)
    sim.pass_time(3)
    assert sim.do("ListDatasetGroups")["datasetGroups"] == []


def test_a_recommender_stops_starts_and_trains_again_every_week(sim: Simulation) -> None:
    group = sim.filled_group("shop", domain="ECOMMERCE")
    assert sim.refusal(
        "CreateRecommender", name="r", datasetGroupArn=group, recipeArn=RECIPE + "aws-vod-top-picks"
    )
    request: dict[str, Any] = {
        "name": "r",
        "datasetGroupArn": group,
        "recipeArn": RECIPE + "aws-ecomm-recommended-for-you",
    }
    recommender = sim.do("CreateRecommender", **request)["recommenderArn"]
    sim.pass_time(3)
    assert sim.status("Recommender", recommender) == "ACTIVE"
    trainings = sim.runner.done.count("train")
    sim.pass_time(8 * DAY, step=DAY)
    assert sim.runner.done.count("train") == trainings + 1
    states = []
    for operation in ("StopRecommender", "StartRecommender"):
        sim.do(operation, recommenderArn=recommender)
        for _ in range(3):
            states.append(sim.status("Recommender", recommender))
            sim.pass_time(1)
    assert states == [
        "STOP PENDING",
        "STOP IN_PROGRESS",
        "INACTIVE",
        "START PENDING",
        "START IN_PROGRESS",
        "ACTIVE",
    ]
    assert sim.refusal("StartRecommender", recommenderArn=recommender) == "ResourceInUseException"


def test_import_quota_is_the_services_own_text(sim: Simulation) -> None:
    dataset = sim.dataset(sim.group())
    for number in range(5):
        sim.start_import(dataset, f"job-{number}")
    with pytest.raises(
        Refusal, match="More than 5 resources with PENDING or IN_PROGRESS status"
    ) as refused:
        sim.start_import(dataset, "one-more")
    assert refused.value.code == "LimitExceededException"
    sim.pass_time(3)
    sim.start_import(dataset, "one-more")


def test_what_was_under_way_goes_on_after_a_restart(data_dir: Path) -> None:
    sim = Simulation(data_dir, latency=Latency(pending=1, in_progress=1))
    solution = sim.solution(sim.filled_group())
    version = sim.do("CreateSolutionVersion", solutionArn=solution)["solutionVersionArn"]
    sim.clock.advance(1)
    sim.server.engine.take_due_steps()
    now = sim.clock.now()
    sim.close()
    again = Simulation(data_dir, latency=ONE_SECOND)
    again.clock.advance(now - again.clock.now())
    assert again.status("SolutionVersion", version) == "CREATE IN_PROGRESS"
    again.pass_time(3)
    assert again.status("SolutionVersion", version) == "ACTIVE"
    again.close()


def test_a_job_that_takes_the_server_down_thrice_fails(data_dir: Path) -> None:
    sim = Simulation(data_dir)
    dataset = sim.dataset(sim.group())
    job = sim.start_import(dataset, "first")
    sim.clock.advance(1)
    sim.server.engine.take_due_steps()
    now = sim.clock.now()
    for _ in range(3):
        with sim.server.engine.store.transaction() as tx:
            tx.mark_job(tx.jobs("queued")[0], "running")
        sim.close()
        sim = Simulation(data_dir)
        sim.clock.advance(now - sim.clock.now())
    sim.pass_time(3)
    assert (
        sim.describe("DatasetImportJob", job)["failureReason"] == "The job was interrupted 3 times."
    )
    sim.close()


def items_schema(sim: Simulation, name: str, **fields: Any) -> str:
    known = {"GENRE": {"type": ["null", "string"], "categorical": True}}
    text = schema("Items", {"ITEM_ID": "string", **known, **fields})
    return str(sim.do("CreateSchema", name=name, schema=text)["schemaArn"])


def test_a_schema_is_replaced_for_items_and_users_and_nothing_else(sim: Simulation) -> None:
    interactions = sim.dataset(sim.group())
    now = sim.describe("Dataset", interactions)["schemaArn"]
    with pytest.raises(Refusal, match=r"type INTERACTIONS cannot be replaced.*ITEMS, USERS"):
        sim.do("UpdateDataset", datasetArn=interactions, schemaArn=now)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"COLOUR": {"type": ["null", "string"], "categorical": True}}, None),
        ({"COLOUR": {"type": "string", "categorical": True}}, "COLOUR, which may not be null"),
        ({"GENRE": {"type": "string", "categorical": True}}, "lacks field GENRE or changes it"),
        ({"GENRE": {"type": ["null", "string"]}}, "lacks field GENRE or changes it"),
    ],
)
def test_a_schema_may_grow_and_keeps_what_it_has(
    sim: Simulation, fields: dict[str, Any], message: str | None
) -> None:
    group = sim.group("g")
    old, new = items_schema(sim, "old"), items_schema(sim, "new", **fields)
    dataset = sim.do(
        "CreateDataset", name="i", schemaArn=old, datasetGroupArn=group, datasetType="ITEMS"
    )["datasetArn"]
    sim.pass_time(3)
    if message:
        with pytest.raises(Refusal, match=message):
            sim.do("UpdateDataset", datasetArn=dataset, schemaArn=new)
    else:
        sim.do("UpdateDataset", datasetArn=dataset, schemaArn=new)
        sim.pass_time(3)
        assert sim.describe("Dataset", dataset)["schemaArn"] == new


def test_a_deletion_may_fail_and_may_be_stuck(sim: Simulation) -> None:
    group = sim.group("g")
    sim.faults.replace('{"operation": "DeleteDatasetGroup", "call": 1, "fault": "job"}')
    sim.do("DeleteDatasetGroup", datasetGroupArn=group)
    sim.pass_time(3)
    assert sim.status("DatasetGroup", group) == "DELETE FAILED"
    sim.faults.replace('{"operation": "DeleteDatasetGroup", "fault": "stuck", "seconds": 60}')
    sim.do("DeleteDatasetGroup", datasetGroupArn=group)
    sim.pass_time(30)
    assert sim.status("DatasetGroup", group) == "DELETE PENDING"
    sim.pass_time(60)
    assert sim.status("DatasetGroup", group) is None
