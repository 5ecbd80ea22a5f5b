"""The cache over the ledger: what it keeps, for how long, and what it does without a table."""

from __future__ import annotations

import pytest

from chalicelib.ledger import Ledger
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import BadRequest, NotFound, NotReady, Unavailable
from tests.chalicelib.house import ARN, CountingTable, House


def open_catalogue(house: House) -> tuple[Catalogue, CountingTable]:
    table = CountingTable(house.table)
    ledger = Ledger(table, house.clock, consistent=False)  # type: ignore[arg-type]
    return Catalogue(ledger, house.clock), table


def test_a_group_is_read_once_in_ten_seconds(shop: House) -> None:
    catalogue, table = open_catalogue(shop)
    for _ in range(5):
        assert list(catalogue.group("shop").solutions) == ["for-you"]
    assert table.reads == 3  # the group, its solutions, and its popular list
    shop.clock.seconds += 11
    catalogue.group("shop")
    assert table.reads == 6


def test_the_only_group_need_not_be_named(shop: House) -> None:
    catalogue, table = open_catalogue(shop)
    assert catalogue.group(None).name == "shop"
    assert table.reads == 4


def test_a_stray_object_takes_nothing_from_the_group_that_serves(shop: House) -> None:
    shop.ledger.record_arrival("shpo", "shpo/orders.csv", etag="1", size=10)
    catalogue, _ = open_catalogue(shop)
    assert catalogue.groups() == ("shop",)
    assert catalogue.group(None).name == "shop"
    with pytest.raises(NotFound, match="Unknown group 'shpo'"):
        catalogue.group("shpo")


def test_a_group_that_serves_nothing_yet_takes_nothing_from_the_one_that_does(shop: House) -> None:
    shop.ledger.found_group("books")
    catalogue, _ = open_catalogue(shop)
    assert catalogue.groups() == ("books", "shop")
    assert catalogue.group(None).name == "shop"


def test_a_group_that_was_forgotten_is_no_longer_listed(shop: House) -> None:
    shop.serve(group="books")
    shop.ledger.forget_group("books")
    catalogue, _ = open_catalogue(shop)
    assert catalogue.groups() == ("shop",)
    assert [group.name for group in catalogue.check()] == ["shop"]


def test_without_a_name_several_groups_are_listed(shop: House) -> None:
    shop.serve(group="books")
    with pytest.raises(BadRequest, match="Expected one of: books, shop"):
        open_catalogue(shop)[0].group(None)


def test_an_unknown_group_is_answered_with_the_known_ones(shop: House) -> None:
    with pytest.raises(NotFound, match="Expected one of: shop"):
        open_catalogue(shop)[0].group("nope")


def test_a_group_is_not_ready_until_its_first_run_has_ended_and_then_at_once(house: House) -> None:
    house.know_group()
    catalogue, _ = open_catalogue(house)
    for name in (None, "shop"):
        with pytest.raises(NotReady, match="Group 'shop' serves nothing yet"):
            catalogue.group(name)
    house.serve()
    assert catalogue.group("shop").name == "shop"


def test_while_the_table_is_out_of_reach_the_last_records_serve_on(shop: House) -> None:
    catalogue, table = open_catalogue(shop)
    catalogue.group("shop")
    table.fails = True
    shop.clock.seconds += 3600
    assert catalogue.group("shop").solutions
    with pytest.raises(Unavailable):
        catalogue.check()


def test_a_catalogue_that_never_read_the_table_says_that_it_cannot(shop: House) -> None:
    catalogue, table = open_catalogue(shop)
    table.fails = True
    with pytest.raises(Unavailable) as caught:
        catalogue.group("shop")
    assert caught.value.retry_after == 5


def test_records_that_cannot_be_read_do_not_take_the_others_with_them(
    shop: House, caplog: pytest.LogCaptureFixture
) -> None:
    shop.table.put_item(Item={"pk": "group#shop", "sk": "serving#broken", "recipe": 7})
    shop.table.put_item(Item={"pk": "group#shop", "sk": "popular", "run": "run1"})
    group = open_catalogue(shop)[0].group("shop")
    assert list(group.solutions) == ["for-you"]
    assert group.popular is None
    reasons = [vars(record)["reason"] for record in caplog.records]
    assert [reason.partition(" cannot")[0] for reason in reasons] == [
        "group#shop serving#broken",
        "group#shop popular",
    ]


def test_many_records_are_read_page_by_page(shop: House) -> None:
    for number in range(4):
        filters = {f"f{n}": f"{ARN}:filter/{'x' * 1000}{n}" for n in range(300)}
        shop.serve(solution=f"s{number:02}", filters=filters)
    (group,) = open_catalogue(shop)[0].check()
    assert len(group.solutions) == 5


def test_names_that_callers_invent_are_not_kept(shop: House) -> None:
    catalogue, table = open_catalogue(shop)
    for _ in range(2):
        with pytest.raises(NotFound):
            catalogue.group("nope")
    assert table.reads == 3  # the unknown group twice, the names of all groups once
