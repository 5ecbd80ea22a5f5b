"""`kill -9` in the middle of the work: what was acknowledged is there, and what was under way ends
honestly.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.recdrop.personalize.driving import ROLE, Aws, deploy, make_group, train


@contextmanager
def serving(data_dir: Path, s3_endpoint: str) -> Iterator[tuple[Aws, subprocess.Popen[str]]]:
    """The server as a process of its own."""
    command = [
        sys.executable,
        "-m",
        "recdrop.personalize",
        "--data-dir",
        str(data_dir),
        "--s3-endpoint",
        s3_endpoint,
    ]
    with subprocess.Popen(
        [*command, "--training-seconds", "0.5", "--slots", "1"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        try:
            yield Aws(found[0], s3_endpoint), process
        finally:
            process.terminate()


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_acknowledged_work_survives_and_jobs_under_way_are_finished(
    data_dir: Path, s3_endpoint: str
) -> None:
    with serving(data_dir, s3_endpoint) as (aws, process):
        aws.s3.create_bucket(Bucket="data")
        group = make_group(aws, "kill")
        version = train(aws, group, "aws-user-personalization-v2")
        campaign = deploy(aws, version, "kill")
        tracker = aws.personalize.create_event_tracker(name="kill", datasetGroupArn=group.arn)
        aws.wait(aws.personalize.describe_event_tracker, eventTrackerArn=tracker["eventTrackerArn"])
        aws.events.put_events(
            trackingId=tracker["trackingId"],
            userId="newcomer",
            sessionId="s",
            eventList=[{"eventType": "view", "itemId": "i3", "sentAt": datetime.now(UTC)}],
        )
        asked = {"campaignArn": campaign, "userId": "newcomer", "numResults": 10}
        before = [item["itemId"] for item in aws.runtime.get_recommendations(**asked)["itemList"]]  # type: ignore[arg-type]
        second = aws.personalize.create_solution_version(solutionArn=version.rpartition("/")[0])[
            "solutionVersionArn"
        ]
        job = aws.personalize.create_dataset_import_job(
            jobName="again",
            datasetArn=group.datasets["INTERACTIONS"],
            dataSource={"dataLocation": "s3://data/kill/INTERACTIONS.csv"},
            roleArn=ROLE,
        )["datasetImportJobArn"]
        kill(process)
    with serving(data_dir, s3_endpoint) as (aws, process):
        after = [item["itemId"] for item in aws.runtime.get_recommendations(**asked)["itemList"]]  # type: ignore[arg-type]
        assert after == before
        trained = aws.wait(aws.personalize.describe_solution_version, solutionVersionArn=second)
        assert trained["status"] == "ACTIVE", trained
        done = aws.wait(aws.personalize.describe_dataset_import_job, datasetImportJobArn=job)
        assert done["status"] == "ACTIVE", done
