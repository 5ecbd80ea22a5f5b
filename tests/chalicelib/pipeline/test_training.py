from __future__ import annotations

import pytest

from chalicelib.errors import ResourceFailed
from chalicelib.pipeline.training import train, trained_version
from chalicelib.runs import Run
from tests.chalicelib.shop import Tasks
from tests.chalicelib.town import Servers, persist


def test_training_is_remembered_and_entered_again_without_harm(promoted: Run) -> None:
    version = trained_version(promoted, "for-you")
    Tasks(promoted).train("for-you")
    assert trained_version(promoted, "for-you") == version


def test_a_failed_training_says_why(promoted: Run, servers: Servers) -> None:
    servers.plan_fault(operation="CreateSolutionVersion", fault="job", reason="Out of capacity.")
    run = promoted.context.ledger.claim_run("promoted", "failing").run
    event = Tasks(Run(promoted.context, run, "promoted")).of("for-you")
    promoted.work.write(
        f"runs/{run}/recdrop.toml", promoted.work.read(f"runs/{promoted.name}/recdrop.toml")
    )
    with pytest.raises(ResourceFailed, match=r"Out of capacity\."):
        persist(lambda: train(promoted.context, event))


def test_a_version_that_was_never_trained_is_a_mistake_in_the_order_of_tasks(promoted: Run) -> None:
    with pytest.raises(LookupError, match="'Train' comes first"):
        trained_version(promoted, "nothing")
