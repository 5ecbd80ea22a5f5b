"""What survives a restart, and what a damaged folder says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from recdrop.local.stack import Stack
from recdrop.local.state.files import StateError
from tests.recdrop.conftest import SAMPLE, ended, eventually


def start(folder: Path, scale: float = 200) -> Stack:
    """A stack that keeps its data in the folder."""
    return Stack(SAMPLE, scale=scale, personalize=False, data_dir=folder)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stopped stack: one run done, one going on, a message that nobody has read."""
    folder = tmp_path_factory.mktemp("kept")
    with start(folder, scale=50) as stack:
        s3, states = stack.boto_client("s3"), stack.boto_client("stepfunctions")
        bucket, machine = stack.outputs["DropBucketName"], stack.outputs["StateMachineArn"]
        done = states.start_execution(stateMachineArn=machine, name="done", input='{"n": 1}')[
            "executionArn"
        ]
        ended(stack, done)
        states.start_execution(stateMachineArn=machine, name="going-on", input='{"n": 2}')
        tags = {"a_b": "c"}
        s3.put_object(
            Bucket=bucket, Key="poison/ü b.csv", Body=b"kept", ContentType="text/csv", Metadata=tags
        )
        s3.create_multipart_upload(Bucket=bucket, Key="never-finished")
        versioned = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioned)
        s3.put_object(Bucket=bucket, Key="poison/deleted", Body=b"gone")
        s3.delete_object(Bucket=bucket, Key="poison/deleted")
        stack.boto_client("dynamodb").put_item(
            TableName=stack.resources["Ledger"],
            Item={"pk": {"S": "run"}, "n": {"N": "1.5"}, "b": {"B": b"\x00"}},
        )
        inbox = stack.outputs["InboxUrl"]
        sqs = stack.boto_client("sqs")
        eventually(lambda: sqs.receive_message(QueueUrl=inbox, VisibilityTimeout=0).get("Messages"))
    return folder


def test_objects_items_messages_and_runs_come_back(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "copy")
    with start(tmp_path / "copy") as stack:
        s3, states = stack.boto_client("s3"), stack.boto_client("stepfunctions")
        found = s3.get_object(Bucket=stack.outputs["DropBucketName"], Key="poison/ü b.csv")
        assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
            b"kept",
            "text/csv",
            {"a_b": "c"},
        )
        listed = s3.list_objects_v2(Bucket=stack.outputs["DropBucketName"])["Contents"]
        assert [entry["Key"] for entry in listed] == ["poison/ü b.csv"]
        item = stack.boto_client("dynamodb").scan(TableName=stack.resources["Ledger"])["Items"][0]
        assert (item["n"], item["b"]) == ({"N": "1.5"}, {"B": b"\x00"})
        messages = stack.boto_client("sqs").receive_message(QueueUrl=stack.outputs["InboxUrl"])[
            "Messages"
        ]
        assert json.loads(messages[0]["Body"])["n"] == 1
        machine = stack.outputs["StateMachineArn"]
        arn = machine.replace(":stateMachine:", ":execution:")
        assert states.describe_execution(executionArn=f"{arn}:done")["status"] == "SUCCEEDED"
        resumed = ended(stack, f"{arn}:going-on")
        assert (resumed["status"], json.loads(resumed["output"])["n"]) == ("SUCCEEDED", 2)
        with pytest.raises(states.exceptions.ExecutionAlreadyExists):
            states.start_execution(stateMachineArn=machine, name="done", input='{"n": 1}')


def test_a_killed_stack_loses_no_more_than_the_last_seconds(tmp_path: Path) -> None:
    with start(tmp_path) as stack:
        stack.boto_client("s3").put_object(
            Bucket=stack.outputs["DropBucketName"], Key="poison", Body=b"x"
        )
        assert stack._keeper is not None
        stack._keeper.save()
        state = json.loads((tmp_path / "aws" / "state.json").read_text())
        file = state["buckets"]["DropBucket"]["poison"]["file"]
        assert (tmp_path / "aws" / "objects" / file).read_bytes() == b"x"
        stack.boto_client("s3").delete_object(Bucket=stack.outputs["DropBucketName"], Key="poison")
        stack._keeper.save()
        assert list((tmp_path / "aws" / "objects").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not readable"),
        ('{"version": 99}', "has version 99. Expected 1"),
        ("[]", "is not readable"),
    ],
)
def test_a_damaged_state_is_named_and_stops_the_start(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "state.json").write_text(text)
    with pytest.raises(StateError, match=message), start(tmp_path):
        pass


def test_a_lost_object_is_named(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "copy")
    for path in (tmp_path / "copy" / "aws" / "objects").iterdir():
        path.unlink()
    with (
        pytest.raises(StateError, match=r"Object 'poison/ü b\.csv' of DropBucket is lost"),
        start(tmp_path / "copy"),
    ):
        pass
