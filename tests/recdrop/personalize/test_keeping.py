"""A dataset group as one file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from recdrop.personalize.errors import AlreadyExistsError, InUseError, InvalidInputError
from recdrop.personalize.server import PersonalizeServer
from recdrop.service.errors import ServiceError
from recdrop.service.http.hosting import hosted
from tests.recdrop.personalize.driving import Aws, Group, deploy, make_group, train
from tests.recdrop.personalize.simulation import Simulation


@pytest.fixture(scope="module")
def kept(aws: Aws) -> Group:
    return make_group(aws, "kept")


def put_event(aws: Aws, tracking_id: str, user: str, item: str) -> None:
    event = {"eventType": "view", "itemId": item, "sentAt": 1_700_000_000}
    aws.events.put_events(
        trackingId=tracking_id,
        userId=user,
        sessionId="s",
        eventList=[event],  # type: ignore[list-item]
    )


def test_a_group_answers_elsewhere_as_it_did_here(
    aws: Aws, kept: Group, shared_app: PersonalizeServer, s3_endpoint: str, tmp_path: Path
) -> None:
    campaign = deploy(aws, train(aws, kept, "aws-user-personalization"), "kept-campaign")
    tracker = aws.personalize.create_event_tracker(name="kept", datasetGroupArn=kept.arn)
    aws.wait(aws.personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
    put_event(aws, tracker["trackingId"], "newcomer", "i3")

    def answer(of: Aws, campaign_arn: str, user: str) -> list[str]:
        found = of.runtime.get_recommendations(campaignArn=campaign_arn, userId=user, numResults=9)
        return [item["itemId"] for item in found["itemList"]]

    content = shared_app.save("kept")
    there = PersonalizeServer(
        tmp_path,
        s3_endpoint=s3_endpoint,
        region="eu-west-1",
        account="210987654321",
        slots=1,
        latency="instant",
        training_seconds=1,
    )
    with hosted(there) as url:
        other = Aws(url, s3_endpoint)
        make_group(other, "before")
        there.load(content)
        moved = campaign.replace("us-east-1:123456789012", "eu-west-1:210987654321")
        for user in ("u1", "u2", "newcomer"):
            assert answer(other, moved, user) == answer(aws, campaign, user)
        # The service goes on: events, trainings and imports find what they need.
        put_event(other, tracker["trackingId"], "newcomer", "i7")
        assert answer(other, moved, "newcomer") != answer(aws, campaign, "newcomer")
        solution = moved.replace("campaign/kept-campaign", "solution/kept-aws-user-personalization")
        update = other.personalize.create_solution_version(
            solutionArn=solution, trainingMode="UPDATE"
        )["solutionVersionArn"]
        done = other.wait(other.personalize.describe_solution_version, solutionVersionArn=update)
        assert done["status"] == "ACTIVE", done
        with pytest.raises(AlreadyExistsError):
            there.load(content)
    there.close()


def test_the_same_group_gives_the_same_bytes(kept: Group, shared_app: PersonalizeServer) -> None:
    assert kept.name == "kept"
    assert shared_app.save("kept") == shared_app.save("kept")


def test_what_is_on_its_way_is_not_saved(sim: Simulation) -> None:
    group = sim.filled_group("busy")
    sim.do("CreateSolutionVersion", solutionArn=sim.solution(group))
    with pytest.raises(InUseError, match=r"CREATE PENDING.*come to an end"):
        sim.server.save("busy")


def test_a_version_that_was_up_to_date_still_is(sim: Simulation, tmp_path: Path) -> None:
    group = sim.filled_group()
    for folder in sim.data_dir.glob("jobs/*"):
        (folder / "data.parquet").touch()
    solution = sim.solution(group, recipe="aws-user-personalization")
    sim.version(solution)
    content = sim.server.save("g")
    other = Simulation(tmp_path / "other")
    other.filled_group("first")
    other.server.load(content)
    request = {"solutionArn": solution, "trainingMode": "UPDATE"}
    assert other.refusal("CreateSolutionVersion", **request) == "InvalidInputException"
    other.close()


def test_an_unknown_group_and_a_file_of_something_else_are_refused(sim: Simulation) -> None:
    with pytest.raises(ServiceError, match="does not exist"):
        sim.server.save("nobody")
    with pytest.raises(InvalidInputError, match="no snapshot"):
        sim.server.load(b"not a zip")
    for name, version, told in (
        ("../x", 1, "Expected files of jobs"),
        ("jobs/1/x", 7, "version 7"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            sim.server.load(archive(name, version))


def archive(name: str, version: int) -> bytes:
    """A file with one more entry."""
    document = {
        "version": version,
        "group": "g",
        "prefix": "arn:",
        "account": "1",
        "counters": {"id": 0, "record": 0},
        "fresh": {"data": [], "interactions": []},
        **dict.fromkeys(("resources", "steps", "events", "records"), ()),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("snapshot.json", json.dumps(document))
        file.writestr(name, "x")
    return packed.getvalue()
