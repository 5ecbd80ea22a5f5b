"""Random walks over the lifecycle: after every call the service and a small reference model agree
on all statuses.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.recdrop.personalize.driving import INTERACTIONS, ROLE
from tests.recdrop.personalize.reference import Reference
from tests.recdrop.personalize.simulation import RECIPE, Simulation

PREFIX = "arn:aws:personalize:us-east-1:123456789012:"
GROUPS, SOLUTIONS = ("g1", "g2"), ("s1", "s2", "s3")
VERSIONS, CAMPAIGNS = ("s1/v1", "s1/v2", "s2/v3"), ("c1", "c2")
DATASETS = tuple(f"{group}/INTERACTIONS" for group in GROUPS)
TAILS = {
    "DatasetGroup": "dataset-group/",
    "Dataset": "dataset/",
    "DatasetImportJob": "dataset-import-job/",
    "Solution": "solution/",
    "SolutionVersion": "solution/",
    "Campaign": "campaign/",
}
DELETABLE = {
    "DatasetGroup": GROUPS,
    "Dataset": DATASETS,
    "Solution": SOLUTIONS,
    "Campaign": CAMPAIGNS,
}


def arn(noun: str, name: str) -> str:
    return f"{PREFIX}{TAILS[noun]}{name}"


def group_of(solution: str) -> str:
    return "g2" if solution == "s3" else "g1"


class Walk(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.sim = Simulation(Path(self.folder.name))
        self.reference = Reference()
        self.jobs = 0

    @initialize()
    def begin_with_something_to_lose(self) -> None:
        self.sim.do("CreateSchema", name="schema", schema=INTERACTIONS)
        self.make_group("g1")
        self.pass_time(2)
        self.make_dataset("g1/INTERACTIONS")
        self.make_solution("s1")
        self.pass_time(2)
        self.import_data("g1/INTERACTIONS", fails=False)
        self.pass_time(2)
        self.train("s1/v1")
        self.train("s1/v2")

    def same(self, expected: str | None, operation: str, **request: Any) -> None:
        got = self.sim.refusal(operation, **request)
        assert got == expected, (
            f"{operation} {request}: the service says {got}, the reference {expected}"
        )

    @rule(name=st.sampled_from(GROUPS))
    def make_group(self, name: str) -> None:
        self.same(self.reference.create("DatasetGroup", name), "CreateDatasetGroup", name=name)

    @rule(dataset=st.sampled_from(DATASETS))
    def make_dataset(self, dataset: str) -> None:
        group = dataset.partition("/")[0]
        expected = self.reference.create("Dataset", dataset, group)
        request = {
            "name": "d",
            "schemaArn": f"{PREFIX}schema/schema",
            "datasetGroupArn": arn("DatasetGroup", group),
        }
        self.same(expected, "CreateDataset", datasetType="Interactions", **request)

    @rule(dataset=st.sampled_from(DATASETS), fails=st.booleans())
    def import_data(self, dataset: str, fails: bool) -> None:
        self.jobs += 1
        name = f"job-{self.jobs}"
        self.sim.faults.replace(
            '[{"operation": "CreateDatasetImportJob", "fault": "job"}]' if fails else "[]"
        )
        expected = self.reference.create("DatasetImportJob", name, dataset, fails=fails)
        source = {"dataLocation": "s3://data/x.csv"}
        request = {
            "jobName": name,
            "datasetArn": arn("Dataset", dataset),
            "dataSource": source,
            "roleArn": ROLE,
        }
        self.same(expected, "CreateDatasetImportJob", **request)

    @rule(name=st.sampled_from(SOLUTIONS))
    def make_solution(self, name: str) -> None:
        group = group_of(name)
        expected = self.reference.create("Solution", name, group)
        request = {"datasetGroupArn": arn("DatasetGroup", group), "recipeArn": RECIPE + "aws-sims"}
        self.same(expected, "CreateSolution", name=name, performAutoTraining=False, **request)

    @rule(version=st.sampled_from(VERSIONS))
    def train(self, version: str) -> None:
        solution, _, name = version.partition("/")
        if solution not in self.reference.things:
            expected: str | None = "ResourceNotFoundException"
        else:
            expected = self.reference.create("SolutionVersion", version, solution)
        self.same(
            expected, "CreateSolutionVersion", name=name, solutionArn=arn("Solution", solution)
        )

    @rule(version=st.sampled_from(VERSIONS))
    def stop(self, version: str) -> None:
        expected = self.reference.stop(version)
        self.same(
            expected,
            "StopSolutionVersionCreation",
            solutionVersionArn=arn("SolutionVersion", version),
        )

    @rule(name=st.sampled_from(CAMPAIGNS), version=st.sampled_from(VERSIONS))
    def make_campaign(self, name: str, version: str) -> None:
        expected = self.reference.create("Campaign", name, version)
        self.same(
            expected,
            "CreateCampaign",
            name=name,
            solutionVersionArn=arn("SolutionVersion", version),
        )

    @rule(name=st.sampled_from(CAMPAIGNS), version=st.sampled_from(VERSIONS))
    def update_campaign(self, name: str, version: str) -> None:
        expected = self.reference.update_campaign(name, version)
        request = {
            "campaignArn": arn("Campaign", name),
            "solutionVersionArn": arn("SolutionVersion", version),
        }
        self.same(expected, "UpdateCampaign", **request)

    @rule(data=st.data(), noun=st.sampled_from(sorted(DELETABLE)))
    def delete(self, data: st.DataObject, noun: str) -> None:
        name = data.draw(st.sampled_from(DELETABLE[noun]))
        expected = self.reference.delete(name)
        member = noun[0].lower() + noun[1:] + "Arn"
        self.same(expected, f"Delete{noun}", **{member: arn(noun, name)})

    @rule(seconds=st.integers(1, 3))
    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.sim.pass_time(1, step=1)
            self.reference.advance()

    @rule()
    def restart(self) -> None:
        now = self.sim.clock.now()
        self.sim.close()
        self.sim = Simulation(Path(self.folder.name))
        self.sim.clock.advance(now - self.sim.clock.now())

    @invariant()
    def statuses_agree(self) -> None:
        for noun in TAILS:
            member = noun[0].lower() + noun[1:] + "Arn"
            known = {name for name, thing in self.reference.things.items() if thing.noun == noun}
            store = self.sim.server.engine.store
            assert {resource.doc[member] for resource in store.all(noun)} == {
                arn(noun, name) for name in known
            }
            for name in known:
                assert self.sim.status(noun, arn(noun, name)) == self.reference.status(name), name

    @invariant()
    def campaigns_serve_what_the_reference_says(self) -> None:
        for name in CAMPAIGNS:
            if name in self.reference.things:
                found = self.sim.describe("Campaign", arn("Campaign", name))
                assert found["solutionVersionArn"] == arn(
                    "SolutionVersion", self.reference.serving(name)
                )
                assert found.get("latestCampaignUpdate", {}).get(
                    "status"
                ) == self.reference.update_status(name)

    def teardown(self) -> None:
        self.sim.close()
        self.folder.cleanup()


def walk(examples: int, steps: int) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(Walk, settings=chosen)


def test_random_walks_agree_with_the_reference() -> None:
    walk(examples=8, steps=40)


@pytest.mark.slow
def test_many_random_walks_agree_with_the_reference() -> None:
    walk(examples=150, steps=60)
