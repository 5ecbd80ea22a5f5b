from __future__ import annotations

from chalicelib.documents import DataRecord, GroupRecord
from chalicelib.intake.deleted import forget_deleted_groups
from tests.chalicelib.town import Town, persist


def test_a_group_that_was_deleted_in_personalize_is_forgotten(town: Town) -> None:
    ledger = town.context.ledger
    persist(lambda: town.context.personalize.ensure_group("stays", None))
    for group in ("stays", "went"):
        ledger.record_group(1, GroupRecord(group=group, run="r1"))
        ledger.record_data(group, DataRecord(run="r1"))
    ledger.found_group("has-a-config-only")

    assert forget_deleted_groups(town.context) == ["went"]
    assert [found.group for found in ledger.catalogue()] == ["has-a-config-only", "stays"]
    assert ledger.data("went") is None
    assert ledger.data("stays") is not None
