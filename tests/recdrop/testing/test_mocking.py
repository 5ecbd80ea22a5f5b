"""`recdrop.personalize.mock`: boto3 is led to a Personalize inside, and as before afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import unittest
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

import recdrop.personalize
from recdrop.testing.mocking import mock
from tests.recdrop.personalize.driving import INTERACTIONS, ROLE, interactions


@pytest.fixture(autouse=True)
def before() -> Iterator[None]:
    """The environment is as it was, whatever a test does."""
    seen = environment()
    yield
    assert environment() == seen


def environment() -> dict[str, str]:
    """All variables but pytest's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def groups() -> list[str]:
    """What is there, made by a client of now."""
    found = boto3.client("personalize").list_dataset_groups()["datasetGroups"]
    return [group["name"] for group in found]


def make(name: str) -> None:
    boto3.client("personalize").create_dataset_group(name=name)


def test_it_is_a_context_manager_and_each_use_begins_empty() -> None:
    for _ in range(2):
        with mock() as service:
            assert groups() == []
            make("one")
            assert groups() == ["one"]
            assert service.url == os.environ["AWS_ENDPOINT_URL_PERSONALIZE"]


@mock
def test_it_is_a_decorator() -> None:
    make("one")
    assert groups() == ["one"]


@mock(strict=True, account="210987654321")
def test_it_takes_the_options_of_the_server() -> None:
    make("one")
    [group] = boto3.client("personalize").list_dataset_groups()["datasetGroups"]
    assert ":210987654321:" in group["datasetGroupArn"]


@mock
class TestOfAClass(unittest.TestCase):
    def test_each_method_has_its_own(self) -> None:
        assert groups() == []
        make("one")

    def test_and_another(self) -> None:
        assert groups() == []
        make("two")


def test_a_coroutine_runs_inside() -> None:
    @mock
    async def work() -> list[str]:
        make("later")
        return groups()

    assert asyncio.run(work()) == ["later"]


def test_what_was_set_before_is_there_again_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE", "http://elsewhere.example")
    monkeypatch.setenv("AWS_PROFILE", "mine")

    @mock
    def fail() -> None:
        assert "AWS_PROFILE" not in os.environ
        raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert os.environ["AWS_ENDPOINT_URL_PERSONALIZE"] == "http://elsewhere.example"
    monkeypatch.undo()


def test_the_region_is_the_one_that_boto3_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock():
        make("one")
        [group] = boto3.client("personalize").list_dataset_groups()["datasetGroups"]
        assert ":eu-central-1:" in group["datasetGroupArn"]
    monkeypatch.undo()


def import_from(service: Any, s3: Any) -> str:
    """The status of an import of what `s3` puts into a bucket."""
    personalize = boto3.client("personalize")
    rows: list[list[object]] = [["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"], *interactions()]
    body = "\n".join(",".join(map(str, row)) for row in rows)
    s3.create_bucket(Bucket="mocked")
    s3.put_object(Bucket="mocked", Key="events.csv", Body=body.encode())
    group = personalize.create_dataset_group(name="g")["datasetGroupArn"]
    schema = personalize.create_schema(name="s", schema=INTERACTIONS)["schemaArn"]
    dataset = personalize.create_dataset(
        name="d", datasetType="INTERACTIONS", datasetGroupArn=group, schemaArn=schema
    )["datasetArn"]
    job = personalize.create_dataset_import_job(
        jobName="j",
        datasetArn=dataset,
        dataSource={"dataLocation": "s3://mocked/events.csv"},
        roleArn=ROLE,
    )["datasetImportJobArn"]
    service.settle()
    done = personalize.describe_dataset_import_job(datasetImportJobArn=job)["datasetImportJob"]
    return str(done["status"])


def test_an_s3_is_beside_it() -> None:
    with mock() as service:
        s3 = boto3.client("s3")
        assert import_from(service, s3) == "ACTIVE"
    with mock():
        names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
    assert "mocked" not in names


MOTO = """
import boto3
from moto import mock_aws
from recdrop.testing.mocking import mock
from tests.recdrop.testing.test_mocking import import_from

with mock_aws(), mock() as service:
    # A client of moto's, in its process; ours is asked over HTTP, and both have the same buckets.
    plain = boto3.client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com")
    print(import_from(service, plain))
"""


def test_the_s3_of_moto_is_the_same() -> None:
    # On its own: moto imports every service that there is.
    done = subprocess.run([sys.executable, "-c", MOTO], capture_output=True, text=True)
    assert done.stdout == "ACTIVE\n", done.stderr


def test_the_name_is_known_by_its_package() -> None:
    assert recdrop.personalize.mock is mock
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = recdrop.personalize.nothing
