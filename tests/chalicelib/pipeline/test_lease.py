from __future__ import annotations

import pytest

from chalicelib.documents import FileBatch, Lease, RunEvent, TakeLease
from chalicelib.errors import LeaseHeld
from chalicelib.pipeline import lease
from tests.chalicelib.shop import export_of, purchases
from tests.chalicelib.town import Town


def take(town: Town, run: str, group: str = "shop") -> Lease:
    return lease.take_lease(
        town.context, TakeLease(run=run, group=group, execution=f"{group}-{run}")
    )


def test_a_run_gets_a_token_and_its_files_in_batches(town: Town) -> None:
    run = town.begin_run(
        "shop", export=export_of(town, "shop", {"interactions/a.csv": purchases()})
    )
    given = take(town, run.name)
    assert (given.token, given.batches) == (run.token, (FileBatch(first=0, count=1),))
    record = run.record
    assert (record.status, record.execution) == ("running", f"shop-{run.name}")


def test_a_second_run_of_the_group_waits_until_the_first_has_given_the_lease_back(
    town: Town,
) -> None:
    first = town.begin_run("shop")
    second = town.context.ledger.claim_run("shop", "another").run
    with pytest.raises(LeaseHeld, match=first.name):
        take(town, second)
    lease.release_lease(town.context, RunEvent(run=first.name, group="shop"))
    with pytest.raises(
        Exception, match="NoSuchKey"
    ):  # it has the lease; its export set is not there
        take(town, second)


@pytest.mark.parametrize("files", [0, 1, 199, 200, 201, 1_000, 4_321])
def test_batches_hold_every_file_once_and_are_at_most_200(files: int) -> None:
    batches = lease.split(files)
    indices = [n for batch in batches for n in range(batch.first, batch.first + batch.count)]
    assert indices == list(range(files))
    assert len(batches) <= lease.MAX_BATCHES
    assert max((b.count for b in batches), default=0) - 1 <= files / lease.MAX_BATCHES
