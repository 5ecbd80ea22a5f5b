"""One run of the pipeline as its tasks see it: its identity, its pinned config and export set, its
files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib import clients, layout
from chalicelib.config import loading
from chalicelib.config.sections import Config, Solution
from chalicelib.errors import code_of
from chalicelib.exports.sets import ExportSet
from chalicelib.ledger import Ledger
from chalicelib.personalize.arns import Arns
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Run:
    """Built anew by each task from its event: nothing is kept between invocations."""

    name: str
    group: str
    settings: Settings
    ledger: Ledger
    s3: S3Client
    token: int | None = None

    @classmethod
    def of(cls, event: dict[str, Any]) -> Run:
        """The run of a task's event (`run`, `group`, `token`).

        Renews its lease. Raises LeaseLost when it has none.
        """
        settings = Settings.from_environment()
        run = cls(
            event["run"],
            event["group"],
            settings,
            open_ledger(settings),
            clients.s3(),
            event.get("token"),
        )
        if run.token is not None:
            run.ledger.renew_lease(run.group, run.name, run.token)
        return run

    @cached_property
    def personalize(self) -> PersonalizeClient:
        return clients.personalize()

    @cached_property
    def arns(self) -> Arns:
        return Arns(
            self.settings.partition, self.personalize.meta.region_name, self.settings.account
        )

    @cached_property
    def config(self) -> Config:
        """The group's config as it was when the run began."""
        return loading.load(self.read_bytes(layout.config(self.name)).decode(), self.group)

    @cached_property
    def export(self) -> ExportSet:
        return msgspec.json.decode(self.read_bytes(layout.export_set(self.name)), type=ExportSet)

    @cached_property
    def data(self) -> dict[str, Any]:
        """What `Check the export` found out; for a retraining, what the run before it did."""
        return dict(self.read_json(layout.data_report(self.name)))

    def solution(self, name: str) -> Solution:
        return next(solution for solution in self.config.solution if solution.name == name)

    # -- the run's files in the work bucket --------------------------------------------------------

    def url(self, key: str) -> str:
        return f"s3://{self.settings.work_bucket}/{key}"

    def read_bytes(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.settings.work_bucket, Key=key)["Body"].read()

    def read_json(self, key: str) -> Any:
        return json.loads(self.read_bytes(key))

    def read_optional(self, key: str) -> bytes | None:
        """None when there is no such object."""
        try:
            return self.read_bytes(key)
        except Exception as error:
            if code_of(error) == "NoSuchKey":
                return None
            raise

    def write(
        self, key: str, body: bytes | str, content_type: str = "application/octet-stream"
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.s3.put_object(
            Bucket=self.settings.work_bucket, Key=key, Body=data, ContentType=content_type
        )

    def write_json(self, key: str, value: object) -> None:
        self.write(key, msgspec.json.encode(value), "application/json")

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.settings.work_bucket, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def open_ledger(settings: Settings) -> Ledger:
    return Ledger(clients.dynamodb_table(settings.table_name))
