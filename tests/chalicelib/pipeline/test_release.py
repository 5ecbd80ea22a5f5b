from __future__ import annotations

import json

import pytest

from chalicelib import layout
from chalicelib.errors import LeaseLost, VerificationFailed
from chalicelib.pipeline import release
from chalicelib.pipeline.training import trained_version
from chalicelib.runs import Run
from tests.chalicelib.shop import Tasks
from tests.chalicelib.town import Servers, persist


def test_the_api_is_told_what_serves(promoted: Run) -> None:
    record = promoted.ledger.serving("promoted", "for-you")
    assert record is not None
    assert record.solution_version_arn == trained_version(promoted, "for-you")
    assert record.recipe_type == "USER_PERSONALIZATION"
    assert record.metadata_columns == ("TASTE", "NAME")
    group = promoted.ledger.group("promoted")
    assert group is not None
    assert group.solutions == ("for-you", "similar")
    assert group.filters == promoted.record.filters
    assert group.event_tracker_id == promoted.record.event_tracker_id


def test_a_campaign_that_answers_as_its_candidate_did_is_verified(promoted: Run) -> None:
    for solution in ("for-you", "similar"):
        release.verify_campaign(promoted.context, Tasks(promoted).of(solution))


def test_a_campaign_that_answers_otherwise_is_not(promoted: Run, servers: Servers) -> None:
    key = layout.answers_file(promoted.name, "for-you", "candidate")
    measured = promoted.work.read(key)
    lines = [json.loads(line) for line in measured.splitlines()]
    for line in lines:
        line["output"]["recommendedItems"] = ["never", "heard", "of", "these"]
    promoted.work.write(key, "".join(json.dumps(line) + "\n" for line in lines))
    try:
        with pytest.raises(VerificationFailed, match=r"agrees .* in 0% of the items"):
            release.verify_campaign(promoted.context, Tasks(promoted).of("for-you"))
    finally:
        promoted.work.write(key, measured)


@pytest.mark.parametrize(
    ("answer", "measured", "agreement"),
    [
        (["a", "b"], ["b", "a"], 1.0),
        (["a", "x"], ["a", "b"], 0.5),
        (["a"], ["a", "b"], 0.0),  # cut short: a fault, however right the rest is
        ([], [], 1.0),
    ],
)
def test_agreement_is_the_share_of_the_measured_items_that_came_back(
    answer: list[str], measured: list[str], agreement: float
) -> None:
    assert release._agreement(answer, measured) == agreement


def test_an_older_run_does_not_tell_the_api_otherwise(promoted: Run) -> None:
    record = promoted.ledger.serving("promoted", "similar")
    assert record is not None
    with pytest.raises(LeaseLost):
        promoted.ledger.record_serving((promoted.token or 0) - 1, record)


def test_a_roll_back_serves_the_version_before(promoted: Run) -> None:
    first = trained_version(promoted, "similar")
    second = promoted.ledger.claim_run("promoted", "second").run
    for copied in (layout.config, layout.data_report):
        promoted.work.write(copied(second), promoted.work.read(copied(promoted.name)))
    run = Run(promoted.context, second, "promoted", hand_over(promoted, second))
    tasks = Tasks(run)
    tasks.train("similar")
    persist(lambda: release.update_campaign(run.context, tasks.of("similar")))
    assert run.context.personalize.serving_version("promoted", "similar") != first
    persist(lambda: release.roll_back(run.context, tasks.of("similar")))
    assert run.context.personalize.serving_version("promoted", "similar") == first
    did = [r.did for r in run.ledger.history("promoted") if r.run == second]
    assert did == ["roll back"]
    hand_back(promoted)


def hand_over(promoted: Run, to: str) -> int:
    promoted.ledger.release_lease(promoted.group, promoted.name)
    return promoted.ledger.take_lease(promoted.group, to)


def hand_back(promoted: Run) -> None:
    """The lease as it was, for the other tests of the same run: a token never comes back otherwise."""
    promoted.ledger.table.update_item(
        Key={"pk": f"group#{promoted.group}", "sk": "lease"},
        UpdateExpression="SET holder = :run, fence = :token",
        ExpressionAttributeValues={":run": promoted.name, ":token": promoted.token},
    )


def test_a_first_version_that_is_rolled_back_serves_no_more(promoted: Run) -> None:
    ledger = promoted.ledger
    record = ledger.serving("promoted", "for-you")
    assert record is not None
    release.roll_back(promoted.context, Tasks(promoted).of("for-you"))
    assert ledger.serving("promoted", "for-you") is None
    ledger.record_serving(promoted.token or 0, record)
