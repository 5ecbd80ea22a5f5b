"""For every kind of resource: it failed, its deletion failed, it was stuck; then the same is asked for
again, and is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from chalicelib.config.sections import Campaign, Solution
from chalicelib.errors import ResourceFailed, ResourcePending
from chalicelib.personalize.backend import Personalize
from chalicelib.personalize.ensure import ShortMemory
from chalicelib.runs import Run
from tests.chalicelib.personalize.test_groups import with_field
from tests.chalicelib.personalize.test_jobs import group_with_dataset, write_rows
from tests.chalicelib.town import INTERACTIONS, Servers, Town, persist

_numbers = itertools.count()
Step = Callable[[Personalize, str], object]


@dataclass(frozen=True)
class Stage:
    """`personalize` of no run yet; `name` is new in every test."""

    town: Town
    promoted: Run
    personalize: Personalize
    name: str

    def of_a_run(self) -> Personalize:
        return replace(self.personalize, memory=ShortMemory())

    def group(self) -> str:
        """A group with an interactions dataset."""
        group_with_dataset(self.personalize, self.name)
        return self.name

    def version(self) -> str:
        found = self.promoted.ledger.version(self.promoted.name, "for-you")
        assert found is not None
        return found


@pytest.fixture
def stage(town: Town, promoted: Run) -> Stage:
    return Stage(town, promoted, town.context.personalize, f"mended-{next(_numbers)}")


def dataset_group(stage: Stage) -> Step:
    return lambda personalize, _: personalize.ensure_group(stage.name, None)


def dataset(stage: Stage) -> Step:
    persist(lambda: stage.personalize.ensure_group(stage.name, None))
    schema = stage.personalize.ensure_schema(stage.name, "interactions", INTERACTIONS, None)
    return lambda personalize, _: personalize.ensure_dataset(stage.name, "interactions", schema)


def event_tracker(stage: Stage) -> Step:
    group = stage.group()
    return lambda personalize, _: personalize.ensure_event_tracker(group)


def filter_(stage: Stage) -> Step:
    personalize, group = stage.personalize, stage.name
    persist(lambda: personalize.ensure_group(group, None))
    text = with_field({"name": "EVENT_TYPE", "type": "string"})
    schema = personalize.ensure_schema(group, "interactions", text, None)
    persist(lambda: personalize.ensure_dataset(group, "interactions", schema))
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")'
    return lambda personalize, _: personalize.ensure_filter(group, "seen", expression)


def solution(stage: Stage) -> Step:
    wanted = Solution(name=stage.name, recipe="aws-user-personalization-v2")
    return lambda personalize, run: personalize.train("promoted", wanted, run)


def campaign(stage: Stage) -> Step:
    version = stage.version()
    return lambda personalize, _: personalize.serve(
        "promoted", stage.name, version, Campaign(), metadata=False
    )


def import_job(stage: Stage) -> Step:
    group = stage.group()
    folder = write_rows(stage.town, group, "rows")
    return lambda personalize, run: personalize.ensure_import(
        group, "interactions", f"{group}-{run}", folder, "FULL"
    )


def solution_version(stage: Stage) -> Step:
    wanted = stage.promoted.solution("for-you")
    return lambda personalize, run: personalize.check_trained(
        personalize.train("promoted", wanted, f"{stage.name}-{run}")
    )


def batch_job(stage: Stage) -> Step:
    work, version = stage.promoted.work, stage.version()
    work.write("asked/mended.json", '{"userId": "u001"}\n')
    return lambda personalize, run: personalize.answer_in_bulk(
        f"{stage.name}-{run}", version, work.url("asked/mended.json"), work.url("mended/")
    )


DELETABLE = {
    "DatasetGroup": dataset_group,
    "Dataset": dataset,
    "EventTracker": event_tracker,
    "Filter": filter_,
    "Solution": solution,
    "Campaign": campaign,
}
# These have the run in their name: the next attempt makes another one.
SPENT = {
    "DatasetImportJob": import_job,
    "SolutionVersion": solution_version,
    "BatchInferenceJob": batch_job,
}


@pytest.mark.parametrize("kind", [*DELETABLE, *SPENT])
def test_a_failure_is_told_and_the_next_run_makes_it_anew(
    stage: Stage, servers: Servers, kind: str
) -> None:
    step = {**DELETABLE, **SPENT}[kind](stage)
    servers.plan_fault(operation=f"Create{kind}", fault="job", reason="No capacity.")
    first, second = stage.of_a_run(), stage.of_a_run()
    for _ in range(2):  # the same run, asked again, does not try for ever
        with pytest.raises(ResourceFailed, match=r"CREATE FAILED: (No capacity|no reason given)"):
            persist(lambda: step(first, "1"))
    persist(lambda: step(second, "2"))


@pytest.mark.parametrize("kind", DELETABLE)
def test_a_deletion_that_failed_is_told_and_the_next_run_asks_for_it_again(
    stage: Stage, servers: Servers, kind: str
) -> None:
    step = DELETABLE[kind](stage)
    servers.plan_fault(operation=f"Create{kind}", fault="job", reason="No capacity.")
    runs = [stage.of_a_run() for _ in range(3)]
    with pytest.raises(ResourceFailed):
        persist(lambda: step(runs[0], "1"))
    servers.plan_fault(operation=f"Delete{kind}", fault="job", reason="Still in use.")
    with pytest.raises(ResourceFailed, match=r"DELETE FAILED: (Still in use|no reason given)"):
        persist(lambda: step(runs[1], "2"))
    persist(lambda: step(runs[2], "3"))


# A solution is ACTIVE from its first moment: it cannot be stuck.
@pytest.mark.parametrize("kind", [kind for kind in (*DELETABLE, *SPENT) if kind != "Solution"])
def test_what_was_stuck_until_a_run_gave_up_is_waited_for_or_made_by_the_next(
    stage: Stage, servers: Servers, kind: str
) -> None:
    step = {**DELETABLE, **SPENT}[kind](stage)
    servers.plan_fault(operation=f"Create{kind}", fault="stuck", seconds=0.6)
    with pytest.raises(ResourcePending, match=r"CREATE|being created|is in status"):
        persist(lambda: step(stage.of_a_run(), "1"), seconds=0.2)
    persist(lambda: step(stage.of_a_run(), "2"))


def test_what_failed_after_a_run_gave_up_is_made_anew_by_the_next(
    stage: Stage, servers: Servers
) -> None:
    step = DELETABLE["Campaign"](stage)
    servers.faults.replace(
        """[{"operation": "CreateCampaign", "call": 1, "fault": "stuck", "seconds": 0.5},
            {"operation": "CreateCampaign", "call": 1, "fault": "job", "reason": "No."}]"""
    )
    with pytest.raises(ResourcePending):
        persist(lambda: step(stage.of_a_run(), "1"), seconds=0.1)
    persist(lambda: step(stage.of_a_run(), "2"))
    assert servers.faults.administer("GET", b"").body.count(b'"DeleteCampaign":1') == 1


def test_an_update_that_failed_is_asked_for_again_by_the_next_run(
    stage: Stage, servers: Servers
) -> None:
    step = DELETABLE["Campaign"](stage)
    persist(lambda: step(stage.personalize, "1"))
    promoted, first, second = stage.promoted, stage.of_a_run(), stage.of_a_run()
    version = persist(
        lambda: first.train("promoted", promoted.solution("for-you"), f"{stage.name}-new")
    )
    persist(lambda: first.check_trained(version))
    servers.plan_fault(operation="UpdateCampaign", fault="job", reason="No instances.")
    for run, failure in ((first, "No instances"), (second, None)):

        def serve(run: Personalize = run) -> str:
            return run.serve("promoted", stage.name, version, Campaign(), metadata=False)

        if failure:
            with pytest.raises(ResourceFailed, match=failure):
                persist(serve)
        else:
            persist(serve)
    assert second.serving_version("promoted", stage.name) == version
