"""The service without processes, sockets or waiting: a clock moved by hand, and jobs that end as a
test says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recdrop.personalize.control.latency import Latency
from recdrop.personalize.control.warnings import told
from recdrop.personalize.metering import Send
from recdrop.personalize.server import PersonalizeServer
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.http.faults import Faults
from recdrop.service.jobs.process import Outcome
from recdrop.service.resources.clock import ManualClock
from recdrop.service.resources.quotas import Quotas
from tests.recdrop.personalize.conformance.client import Client
from tests.recdrop.personalize.driving import INTERACTIONS, ITEMS, ROLE, USERS

TRAINED = {
    "model": "jobs/none/model",
    "metrics": {"coverage": 0.5},
    "events_upto": 0,
    "rows": 1000,
    "seconds": 36.0,
}
RECIPE = "arn:aws:personalize:::recipe/"
SCHEMAS = {"INTERACTIONS": INTERACTIONS, "ITEMS": ITEMS, "USERS": USERS}
ONE_SECOND = Latency(pending=1.0, in_progress=1.0)


@dataclass
class ScriptedRunner:
    """Every job succeeds at once, unless its kind of work is named in `failures`."""

    failures: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def run(self, folder: Path) -> Outcome:
        spec = json.loads((folder / "job.json").read_text())
        work = spec["work"]
        self.done.append(work)
        if work in self.failures:
            return Outcome(failure=self.failures[work])
        return Outcome(value=self._value(spec, folder))

    def stop(self) -> None:
        return None

    def _value(self, spec: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
        if spec["work"] == "import":
            return {"file": f"jobs/{folder.name}/data.parquet", "rows": 1000, "warnings": []}
        if spec["work"] == "train":
            return {**TRAINED, "recipe": spec["recipes"][0]["arn"]}
        return {"users": [], "datasets": {}, "rows": 0, "lines": 0}


class Refusal(Exception):
    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Simulation:
    """`do("CreateCampaign", ...)` answers the response or raises Refusal; `pass_time` moves the
    clock.
    """

    def __init__(
        self,
        data_dir: Path,
        latency: Latency = ONE_SECOND,
        quotas: Quotas | None = None,
        *,
        strict: bool = False,
        send: Send | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.clock = ManualClock()
        self.runner = ScriptedRunner()
        self.faults = Faults(PERSONALIZE.operations, sleep=lambda _seconds: None)
        self.server = PersonalizeServer(
            data_dir,
            s3_endpoint=None,
            latency=latency,
            clock=self.clock,
            quotas=quotas,
            faults=self.faults,
            strict=strict,
            cloudwatch_endpoint="http://127.0.0.1:9" if send else None,
            threads=False,
        )
        self.meter = self.server.meter
        if send:
            self.meter.send = send
        self._client = Client(self.server)

    def do(self, operation: str, /, **members: Any) -> dict[str, Any]:
        answer = self._client.send(operation, members)
        if answer.status != 200:
            raise Refusal(answer.code, answer.message)
        return {name: value for name, value in answer.parsed.items() if name != "ResponseMetadata"}

    def refusal(self, operation: str, /, **members: Any) -> str | None:
        """The error's code; None when the call succeeds."""
        try:
            self.do(operation, **members)
        except Refusal as refusal:
            return refusal.code
        return None

    def pass_time(self, seconds: float, *, step: float = 0.5) -> None:
        """Moves the clock in small steps, doing what falls due."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            self.clock.advance(min(step, end - self.clock.now()))
            self.settle()

    def settle(self) -> None:
        self.server.engine.settle(self.runner)

    def status(self, noun: str, arn: str) -> str | None:
        """None when the resource is gone."""
        try:
            return str(self.describe(noun, arn)["status"])
        except Refusal as refusal:
            if refusal.code == "ResourceNotFoundException":
                return None
            raise

    def describe(self, noun: str, arn: str) -> dict[str, Any]:
        member = noun[0].lower() + noun[1:]
        [resource] = self.do(f"Describe{noun}", **{f"{member}Arn": arn}).values()
        return dict(resource)

    def warnings(self) -> list[dict[str, str]]:
        """What was accepted with a warning."""
        return told(self.server.engine.store)

    def close(self) -> None:
        self.server.close()

    # -- short ways to what most tests begin with

    def group(self, name: str = "g", *, domain: str | None = None) -> str:
        more: dict[str, Any] = {"domain": domain} if domain else {}
        arn = self.do("CreateDatasetGroup", name=name, **more)["datasetGroupArn"]
        self.pass_time(3)
        return str(arn)

    def dataset(self, group: str, kind: str = "INTERACTIONS", *, domain: str | None = None) -> str:
        more: dict[str, Any] = {"domain": domain} if domain else {}
        name = f"{group.rpartition('/')[2]}-{kind}"
        schema = self.do("CreateSchema", name=name, schema=SCHEMAS[kind], **more)["schemaArn"]
        arn = self.do(
            "CreateDataset", name=name, schemaArn=schema, datasetGroupArn=group, datasetType=kind
        )["datasetArn"]
        self.pass_time(3)
        return str(arn)

    def import_data(self, dataset: str, name: str, **more: Any) -> str:
        job = self.start_import(dataset, name, **more)
        self.pass_time(3)
        return job

    def start_import(self, dataset: str, name: str, **more: Any) -> str:
        source = {"dataLocation": "s3://data/interactions.csv"}
        request = {
            "jobName": name,
            "datasetArn": dataset,
            "dataSource": source,
            "roleArn": ROLE,
            **more,
        }
        return str(self.do("CreateDatasetImportJob", **request)["datasetImportJobArn"])

    def filled_group(self, name: str = "g", *, domain: str | None = None) -> str:
        """A group with imported interactions."""
        group = self.group(name, domain=domain)
        self.import_data(self.dataset(group, domain=domain), f"{name}-first")
        return group

    def solution(
        self, group: str, name: str = "s", recipe: str = "aws-user-personalization-v2", **more: Any
    ) -> str:
        request = {
            "name": name,
            "datasetGroupArn": group,
            "recipeArn": RECIPE + recipe,
            "performAutoTraining": False,
            **more,
        }
        arn = self.do("CreateSolution", **request)["solutionArn"]
        self.pass_time(3)
        return str(arn)

    def version(self, solution: str, **more: Any) -> str:
        arn = self.do("CreateSolutionVersion", solutionArn=solution, **more)["solutionVersionArn"]
        self.pass_time(3)
        return str(arn)

    def campaign(self, version: str, name: str = "c", **more: Any) -> str:
        arn = self.do("CreateCampaign", name=name, solutionVersionArn=version, **more)[
            "campaignArn"
        ]
        self.pass_time(3)
        return str(arn)
