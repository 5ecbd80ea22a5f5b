"""Drives a Personalize endpoint as a user of the SDK would: clients, small data sets, waiting."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient
    from mypy_boto3_s3 import S3Client

ROLE = "arn:aws:iam::000000000000:role/personalize"
ENDED = ("ACTIVE", "CREATE FAILED", "CREATE STOPPED", "INACTIVE", "COMPLETED", "FAILED")


@dataclass(frozen=True)
class Aws:
    """The four clients. Nothing is retried, so that a test sees each answer."""

    url: str
    s3_endpoint: str

    def _client(self, service: str, url: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    @cached_property
    def personalize(self) -> PersonalizeClient:
        return cast("PersonalizeClient", self._client("personalize", self.url))

    @cached_property
    def runtime(self) -> PersonalizeRuntimeClient:
        return cast("PersonalizeRuntimeClient", self._client("personalize-runtime", self.url))

    @cached_property
    def events(self) -> PersonalizeEventsClient:
        return cast("PersonalizeEventsClient", self._client("personalize-events", self.url))

    @cached_property
    def s3(self) -> S3Client:
        return cast("S3Client", self._client("s3", self.s3_endpoint))

    def upload(self, key: str, header: str, rows: Sequence[Sequence[object]]) -> str:
        """A CSV in the bucket `data`; its location."""
        lines = [header, *(",".join(map(str, row)) for row in rows)]
        self.s3.put_object(Bucket="data", Key=key, Body="\n".join(lines).encode() + b"\n")
        return f"s3://data/{key}"

    def wait(self, describe: Callable[..., Any], seconds: float = 60, **arn: str) -> dict[str, Any]:
        """The resource once its status is a last one."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = {
                name: value for name, value in describe(**arn).items() if name != "ResponseMetadata"
            }
            [resource] = answer.values()
            if resource["status"] in ENDED:
                return cast("dict[str, Any]", resource)
            time.sleep(0.02)
        raise TimeoutError(f"{arn} is still in status {resource['status']}")

    def wait_until_gone(
        self, describe: Callable[..., Any], seconds: float = 60, **arn: str
    ) -> None:
        """Returns once the service knows the resource no more."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                describe(**arn)
            except self.personalize.exceptions.ResourceNotFoundException:
                return
            time.sleep(0.02)
        raise TimeoutError(f"{arn} is still there")


def schema(name: str, fields: Mapping[str, Any]) -> str:
    """An Avro schema; a field is its type, or a dict with its type and flags."""
    listed = [
        {"name": key, **(value if isinstance(value, dict) else {"type": value})}
        for key, value in fields.items()
    ]
    record = {
        "type": "record",
        "name": name,
        "namespace": "com.amazonaws.personalize.schema",
        "version": "1.0",
    }
    return json.dumps({**record, "fields": listed})


INTERACTIONS = schema(
    "Interactions",
    {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
)
ITEMS = schema(
    "Items",
    {
        "ITEM_ID": "string",
        "GENRE": {"type": ["null", "string"], "categorical": True},
        "PRICE": "float",
        "CREATION_TIMESTAMP": "long",
    },
)
USERS = schema(
    "Users", {"USER_ID": "string", "AGE": "int", "TIER": {"type": "string", "categorical": True}}
)
GENRES = ("comedy", "drama", "action", "horror")


def interactions(
    users: int = 60, items: int = 40, each: int = 30, seed: int = 0
) -> list[list[object]]:
    """Users mostly keep to one genre: item number modulo 4, user number modulo 4."""
    rng = random.Random(seed)
    rows: list[list[object]] = []
    for user in range(users):
        for step in range(each):
            same = rng.random() < 0.85
            item = rng.randrange(items // 4) * 4 + (user % 4 if same else rng.randrange(4))
            kind = "purchase" if step % 5 == 0 else "view"
            rows.append([f"u{user}", f"i{item}", 1_600_000_000 + step * 3600 + user, kind])
    return rows


def items(count: int = 40) -> list[list[object]]:
    return [[f"i{item}", GENRES[item % 4], 1.5 * item, 1_500_000_000] for item in range(count)]


def users(count: int = 60) -> list[list[object]]:
    return [
        [f"u{user}", 20 + user % 50, "gold" if user % 3 == 0 else "basic"] for user in range(count)
    ]


@dataclass(frozen=True)
class Group:
    """A dataset group with imported interactions, items and users."""

    name: str
    arn: str
    datasets: Mapping[str, str]


def make_group(aws: Aws, name: str, *, domain: str | None = None) -> Group:
    personalize = aws.personalize
    more = cast("Any", {"domain": domain} if domain else {})
    group = personalize.create_dataset_group(name=name, **more)["datasetGroupArn"]
    aws.wait(personalize.describe_dataset_group, datasetGroupArn=group)
    tables = {
        "INTERACTIONS": (INTERACTIONS, "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", interactions()),
        "ITEMS": (ITEMS, "ITEM_ID,GENRE,PRICE,CREATION_TIMESTAMP", items()),
        "USERS": (USERS, "USER_ID,AGE,TIER", users()),
    }
    datasets, jobs = {}, []
    for kind, (avro, header, rows) in tables.items():
        schema_arn = personalize.create_schema(name=f"{name}-{kind}", schema=avro, **more)[
            "schemaArn"
        ]
        dataset = personalize.create_dataset(
            name=f"{name}-{kind}", schemaArn=schema_arn, datasetGroupArn=group, datasetType=kind
        )["datasetArn"]
        aws.wait(personalize.describe_dataset, datasetArn=dataset)
        datasets[kind] = dataset
        location = aws.upload(f"{name}/{kind}.csv", header, rows)
        jobs.append(
            personalize.create_dataset_import_job(
                jobName=f"{name}-{kind}",
                datasetArn=dataset,
                dataSource={"dataLocation": location},
                roleArn=ROLE,
            )["datasetImportJobArn"]
        )
    for job in jobs:
        done = aws.wait(personalize.describe_dataset_import_job, datasetImportJobArn=job)
        assert done["status"] == "ACTIVE", done
    return Group(name, group, datasets)


def train(aws: Aws, group: Group, recipe: str, **more: Any) -> str:
    """The ARN of an ACTIVE solution version."""
    solution = aws.personalize.create_solution(
        name=f"{group.name}-{recipe}",
        datasetGroupArn=group.arn,
        recipeArn=f"arn:aws:personalize:::recipe/{recipe}",
        performAutoTraining=False,
        **more,
    )["solutionArn"]
    aws.wait(aws.personalize.describe_solution, solutionArn=solution)
    version = aws.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    done = aws.wait(aws.personalize.describe_solution_version, solutionVersionArn=version)
    assert done["status"] == "ACTIVE", done
    return version


def deploy(aws: Aws, version: str, name: str, **more: Any) -> str:
    """The ARN of an ACTIVE campaign."""
    campaign = aws.personalize.create_campaign(
        name=name, solutionVersionArn=version, minProvisionedTPS=1, **more
    )
    aws.wait(aws.personalize.describe_campaign, campaignArn=campaign["campaignArn"])
    return campaign["campaignArn"]
