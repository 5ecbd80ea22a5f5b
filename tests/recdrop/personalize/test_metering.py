"""What goes to CloudWatch, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from recdrop.personalize.metering import OURS, SERVICE, Meter
from recdrop.personalize.specification import PERSONALIZE
from tests.recdrop.conftest import eventually
from tests.recdrop.personalize.simulation import Simulation

Sent = list[tuple[str, str, Mapping[str, str], float]]


@pytest.fixture
def sent() -> Sent:
    return []


@pytest.fixture
def metered(data_dir: Path, sent: Sent) -> Iterator[Simulation]:
    def send(namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        for row in data:
            dimensions = {part["Name"]: part["Value"] for part in row["Dimensions"]}
            sent.append((namespace, row["MetricName"], dimensions, row["StatisticValues"]["Sum"]))

    sim = Simulation(data_dir, send=send)
    yield sim
    sim.close()


def named(sent: Sent, name: str, namespace: str = SERVICE) -> list[tuple[Mapping[str, str], float]]:
    return [
        (dimensions, total)
        for space, metric, dimensions, total in sent
        if (space, metric) == (namespace, name)
    ]


def test_jobs_are_counted_with_their_errors_and_durations(metered: Simulation, sent: Sent) -> None:
    group = metered.group()
    dataset = metered.dataset(group)
    good = metered.import_data(dataset, "good")
    metered.runner.failures["import"] = "Insufficient privileges."
    bad = metered.import_data(dataset, "bad")
    metered.meter.flush()
    jobs = [
        {"DatasetGroupArn": group, "DatasetArn": dataset, "DatasetImportJobArn": job}
        for job in (good, bad)
    ]
    assert named(sent, "DatasetImportJobRequests") == [(jobs[0], 1), (jobs[1], 1)]
    assert named(sent, "DatasetImportJobError") == [(jobs[1], 1)]
    took = named(sent, "DatasetImportJobExecutionTime")
    assert [job for job, _ in took] == jobs
    assert all(seconds >= 2 for _, seconds in took)


def test_a_training_sends_its_own_metrics_under_a_name_of_ours(
    metered: Simulation, sent: Sent
) -> None:
    solution = metered.solution(metered.filled_group())
    version = metered.version(solution)
    metered.meter.flush()
    told = {"SolutionArn": solution, "SolutionVersionArn": version}
    assert named(sent, "SolutionTrainingJobRequests") == [(told, 1)]
    assert named(sent, "coverage", OURS) == [(told, 0.5)]
    assert named(sent, "coverage") == []


def test_calls_are_counted_by_what_they_ask(metered: Simulation, sent: Sent) -> None:
    group = metered.filled_group()
    tracker = metered.do("CreateEventTracker", name="t", datasetGroupArn=group)
    metered.pass_time(3)
    metered.do(
        "PutEvents",
        trackingId=tracker["trackingId"],
        sessionId="s",
        userId="u",
        eventList=[{"eventType": "view", "itemId": "i1", "sentAt": 1_700_000_000}],
    )
    assert metered.refusal(
        "PutEvents", trackingId=tracker["trackingId"], sessionId="s", eventList=[]
    )
    metered.meter.flush()
    told = {
        "DatasetGroupArn": group,
        "DatasetArn": group.replace("dataset-group", "dataset") + "/INTERACTIONS",
        "EventTrackerArn": tracker["eventTrackerArn"],
    }
    assert named(sent, "PutEventsRequests") == [(told, 1)]
    assert named(sent, "PutEvents4xxErrors") == [(told, 1)]
    [(latency_of, _)] = named(sent, "PutEventLatency")
    assert latency_of == told


def test_what_nobody_owns_is_not_counted(metered: Simulation, sent: Sent) -> None:
    assert metered.refusal("GetRecommendations", campaignArn="arn:aws:personalize:x:1:campaign/no")
    for body in (b"not JSON", b"[]", b""):
        metered.meter.called(PERSONALIZE.operations["GetRecommendations"], body, 400, 0.1)
    metered.meter.flush()
    assert sent == []
    assert isinstance(metered.meter, Meter)


def test_monitors_find_the_metrics_in_the_local_cloudwatch(tmp_path: Path) -> None:
    import datetime as dt

    from recdrop.local.stack import Stack
    from tests.recdrop.conftest import SAMPLE

    with Stack(SAMPLE, personalize_options={"latency": "instant", "slots": 1}) as stack:
        client = boto3.client("cloudwatch", endpoint_url=stack.aws_url)
        personalize = stack.boto_client("personalize")
        group = personalize.create_dataset_group(name="watched")["datasetGroupArn"]
        eventually(lambda: is_active(personalize.describe_dataset_group(datasetGroupArn=group)))
        tracker = personalize.create_event_tracker(name="watched", datasetGroupArn=group)
        eventually(
            lambda: is_active(
                personalize.describe_event_tracker(eventTrackerArn=tracker["eventTrackerArn"])
            )
        )
        stack.boto_client("personalize-events").put_events(
            trackingId=tracker["trackingId"],
            sessionId="s",
            eventList=[{"eventType": "view", "itemId": "i", "sentAt": 1_700_000_000}],
        )
        now = dt.datetime.now(dt.UTC)

        def found() -> float:
            answer = client.get_metric_statistics(
                Namespace="AWS/Personalize",
                MetricName="PutEventsRequests",
                Dimensions=[
                    {"Name": "DatasetGroupArn", "Value": group},
                    {
                        "Name": "DatasetArn",
                        "Value": group.replace("dataset-group", "dataset") + "/INTERACTIONS",
                    },
                    {"Name": "EventTrackerArn", "Value": tracker["eventTrackerArn"]},
                ],
                StartTime=now - dt.timedelta(minutes=5),
                EndTime=now + dt.timedelta(minutes=5),
                Period=600,
                Statistics=["Sum"],
            )
            return float(sum(point["Sum"] for point in answer["Datapoints"]))

        assert eventually(found) == 1


def is_active(answer: dict[str, Any]) -> bool:
    """Whether what was described is."""
    return any(part.get("status") == "ACTIVE" for part in answer.values())
