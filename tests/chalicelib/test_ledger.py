"""The ledger against moto's DynamoDB, on a clock that is moved by hand."""

from __future__ import annotations

import pytest

from chalicelib.documents import Difference, EvidenceRecord, HistoryRecord, Night, ServingRecord
from chalicelib.errors import LeaseHeld, LeaseLost
from chalicelib.ledger import LEASE_SECONDS, Ledger
from tests.chalicelib.town import Clock, Town


@pytest.fixture
def clock(town: Town) -> Clock:
    return town.clock


@pytest.fixture
def ledger(town: Town) -> Ledger:
    return town.context.ledger


def test_a_second_run_waits_for_the_lease(ledger: Ledger) -> None:
    ledger.take_lease("shop", "first")
    with pytest.raises(LeaseHeld, match="'first'"):
        ledger.take_lease("shop", "second")
    assert ledger.take_lease("other", "second") == 1


def test_the_holder_takes_its_lease_again_with_the_same_token(ledger: Ledger) -> None:
    assert ledger.take_lease("shop", "first") == ledger.take_lease("shop", "first") == 1


def test_a_dead_holder_is_replaced_and_its_token_is_refused(ledger: Ledger, clock: Clock) -> None:
    token = ledger.take_lease("shop", "first")
    clock.seconds += LEASE_SECONDS + 1
    assert ledger.take_lease("shop", "second") == token + 1
    with pytest.raises(LeaseLost):
        ledger.renew_lease("shop", "first", token)


def test_a_living_holder_keeps_its_lease(ledger: Ledger, clock: Clock) -> None:
    token = ledger.take_lease("shop", "first")
    for _ in range(5):
        clock.seconds += LEASE_SECONDS - 1
        ledger.renew_lease("shop", "first", token)


def test_an_expired_lease_that_nobody_has_taken_is_still_its_holders(
    ledger: Ledger, clock: Clock
) -> None:
    """A Lambda that timed out after the longest time a lease lasts is entered again."""
    token = ledger.take_lease("shop", "first")
    clock.seconds += 2 * LEASE_SECONDS
    assert ledger.renew_lease("shop", "first", token) == token
    with pytest.raises(LeaseHeld):
        ledger.take_lease("shop", "second")


def test_a_run_whose_claim_broke_off_before_it_was_listed_is_listed_by_the_next(
    ledger: Ledger,
) -> None:
    run = ledger.claim_run("listed", "abc")
    sk = f"run#{run.claimed}#{run.run}"
    ledger.table.delete_item(Key={"pk": "group#listed", "sk": sk})
    assert ledger.claim_run("listed", "abc") == run
    assert ledger.runs("listed") == ["abc"]


def test_releasing_lets_the_next_one_in_and_another_run_cannot_release(ledger: Ledger) -> None:
    ledger.take_lease("shop", "first")
    ledger.release_lease("shop", "second")
    with pytest.raises(LeaseHeld):
        ledger.take_lease("shop", "second")
    ledger.release_lease("shop", "first")
    assert ledger.take_lease("shop", "second") == 2


def test_an_older_run_never_replaces_what_a_newer_one_serves(ledger: Ledger) -> None:
    ledger.record_serving(2, serving("new"))
    with pytest.raises(LeaseLost):
        ledger.record_serving(1, serving("old"))
    assert ledger.serving("shop", "for-you") == serving("new")
    assert ledger.served("shop") == [serving("new")]


def serving(version: str) -> ServingRecord:
    return ServingRecord(
        group="shop",
        solution="for-you",
        recipe="aws-user-personalization-v2",
        recipe_type="USER_PERSONALIZATION",
        solution_version_arn=version,
        metadata_columns=("NAME",),
    )


def test_the_history_of_a_group_is_read_in_the_order_in_which_it_was_made(
    ledger: Ledger, clock: Clock
) -> None:
    for run, did in (("b", "promote"), ("a", "hold")):
        clock.seconds += 60
        for _ in range(2):  # a retry writes the same item
            ledger.record_history("shop", HistoryRecord(run=run, solution="s", did=did))  # type: ignore[arg-type]
    assert [(record.run, record.did) for record in ledger.history("shop")] == [
        ("b", "promote"),
        ("a", "hold"),
    ]


def test_the_same_export_is_one_run_until_it_fails(ledger: Ledger) -> None:
    first = ledger.claim_run("shop", "abc")
    assert ledger.claim_run("shop", "abc").run == first.run == "abc"
    ledger.update_run("abc", status="succeeded")
    assert ledger.claim_run("shop", "abc").status == "succeeded"
    assert ledger.runs("shop") == ["abc"]


def test_a_failed_run_is_tried_again_under_a_new_name(ledger: Ledger) -> None:
    ledger.claim_run("shop", "abc")
    ledger.update_run("abc", status="failed")
    assert ledger.claim_run("shop", "abc").run == "abc-2"
    assert ledger.claim_run("shop", "abc").run == "abc-2"
    ledger.update_run("abc-2", status="failed")
    assert ledger.claim_run("shop", "abc").run == "abc-3"


def test_an_object_that_was_replaced_stays_among_the_arrivals(ledger: Ledger) -> None:
    ledger.record_arrival("shop", "shop/items/a.csv", etag="1", size=10)
    ledger.record_arrival("shop", "shop/items/b.csv", etag="1", size=10)
    ledger.record_arrival("shop", "shop/items/b.csv", etag="2", size=12)
    taken = ledger.arrivals("shop")
    ledger.record_arrival("shop", "shop/items/b.csv", etag="3", size=12)
    ledger.clear_arrivals("shop", taken)
    assert [(left.key, left.etag) for left in ledger.arrivals("shop")] == [
        ("shop/items/b.csv", "3")
    ]
    assert ledger.groups() == ["shop"]


def test_evidence_is_kept_by_solution_and_live_version(ledger: Ledger, clock: Clock) -> None:
    night = Night(
        run="r1",
        users=200,
        live=0.4,
        to_live=Difference(-0.0012, 1e-05),
        to_floor=Difference(0.1, 0.02),
        population=4000,
    )
    first = EvidenceRecord(solution="for-you", live="arn:v1", lineage="abc", nights=(night,))
    ledger.record_evidence("shop", first)
    clock.seconds += 60
    later = EvidenceRecord(solution="for-you", live="arn:v2", lineage="abc")
    ledger.record_evidence("shop", later)
    found = ledger.evidence("shop", "for-you", "arn:v1")
    assert found is not None
    assert (found.nights, found.lineage) == ((night,), "abc")
    assert ledger.evidence("shop", "similar", "arn:v1") is None
    last = ledger.last_evidence("shop", "for-you")
    assert last is not None
    assert last.live == "arn:v2"


def test_what_arrives_again_while_a_run_takes_it_is_not_forgotten(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.record_arrival("shop", "shop/items/a.csv", etag="e", size=1)
    taken = ledger.arrivals("shop")
    clock.seconds += 1
    ledger.record_arrival("shop", "shop/items/a.csv", etag="e", size=1)
    ledger.clear_arrivals("shop", taken)
    assert len(ledger.arrivals("shop")) == 1
    ledger.clear_arrivals("shop", ledger.arrivals("shop"))
    assert ledger.arrivals("shop") == []
