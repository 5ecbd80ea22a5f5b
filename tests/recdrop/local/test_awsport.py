"""What the two ports answer while a data folder is being restored, and when it is."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from recdrop.local.stack import Stack
from tests.recdrop.conftest import SAMPLE, eventually, fetch


@dataclass
class Held:
    """A stack whose restore waits for an object that lies in a pipe."""

    stack: Stack
    pipe: Path
    thread: threading.Thread

    def let_go(self) -> None:
        """Hand over the object; the stack is ready when this returns."""
        if self.thread.is_alive():
            self.pipe.write_bytes(b"kept")
            self.thread.join(20)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """A start that is held up in the middle of its restore."""
    with Stack(SAMPLE, personalize=False, data_dir=tmp_path) as stack:
        bucket = stack.outputs["DropBucketName"]
        stack.boto_client("s3").put_object(Bucket=bucket, Key="poison", Body=b"kept")
    [pipe] = (tmp_path / "aws" / "objects").iterdir()
    pipe.unlink()
    os.mkfifo(pipe)
    again = Stack(SAMPLE, personalize=False, data_dir=tmp_path)
    held = Held(again, pipe, threading.Thread(target=again.start, daemon=True))
    held.thread.start()
    # The stack's own health is answered from the first moment; it has resources once it is made.
    eventually(lambda: hasattr(again, "_api") and again.describe()["resources"])
    try:
        yield held
    finally:
        held.let_go()
        again.stop()


@pytest.mark.parametrize("path", ["/hello/x", "/health", "/no-such-route", "/admin"])
def test_every_route_is_503_until_everything_is_restored(held: Held, path: str) -> None:
    status, headers, body = fetch(held.stack.api_url + path)
    assert (status, headers["Retry-After"]) == (503, "1")
    error = json.loads(body)["error"]
    assert error["code"] == "Unavailable"
    assert "starting" in error["message"]
    assert fetch(held.stack.api_url + path, b"{}", "POST")[0] == 503


def test_aws_is_503_until_everything_is_restored(held: Held) -> None:
    for service, operation in (("s3", "list_buckets"), ("stepfunctions", "list_state_machines")):
        with pytest.raises(ClientError) as error:
            getattr(held.stack.boto_client(service), operation)()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert error.value.response["Error"]["Code"] == "ServiceUnavailable"
    status, headers, _ = fetch(held.stack.aws_url + "/2015-03-31/functions/x/invocations", b"{}")
    assert (status, headers["Retry-After"]) == (503, "1")


def test_the_stacks_own_health_is_not_ok_before_it_is_ready(held: Held) -> None:
    status, _, body = fetch(f"{held.stack.aws_url}/_recdrop/health")
    assert (status, json.loads(body)["ready"]) == (503, False)
    assert fetch(f"{held.stack.aws_url}/_recdrop/logs")[0] == 200


def test_both_ports_answer_when_it_is_restored(held: Held) -> None:
    held.let_go()
    assert fetch(held.stack.api_url + "/hello/x")[0] == 200
    assert fetch(f"{held.stack.aws_url}/_recdrop/health")[0] == 200
    bucket = held.stack.outputs["DropBucketName"]
    found = held.stack.boto_client("s3").get_object(Bucket=bucket, Key="poison")
    assert found["Body"].read() == b"kept"
