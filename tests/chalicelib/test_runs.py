from __future__ import annotations

import pytest

from chalicelib.documents import RunEvent
from chalicelib.errors import LeaseLost
from chalicelib.runs import Run
from tests.chalicelib.town import Town

ONE_SOLUTION = '[[solution]]\nname = "for-you"\nrecipe = "aws-user-personalization-v2"\n'


def test_a_run_has_the_config_that_was_pinned_for_it(town: Town) -> None:
    run = town.begin_run("shop", ONE_SOLUTION)
    assert run.solution("for-you").recipe == "aws-user-personalization-v2"
    assert run.export.group == "shop"


def test_each_task_renews_the_lease_of_its_run(town: Town) -> None:
    run = town.begin_run("shop")
    for _ in range(3):
        town.clock.seconds += 800  # a lease lasts 900 s
        Run.of(town.context, RunEvent(run=run.name, group="shop", token=run.token))


def test_a_run_that_was_believed_dead_stops_at_once(town: Town) -> None:
    run = town.begin_run("shop")
    town.clock.seconds += 2_000
    town.context.ledger.take_lease("shop", "another")
    with pytest.raises(LeaseLost):
        Run.of(town.context, RunEvent(run=run.name, group="shop", token=run.token))


def test_a_task_without_a_token_renews_nothing(town: Town) -> None:
    assert Run.of(town.context, RunEvent(run="r", group="g")).token is None


def test_a_run_reads_what_the_check_found_out(town: Town) -> None:
    run = town.begin_run("shop")
    assert town.write_data(run, until=7).until == run.data.until == 7


def test_a_run_that_nobody_claimed_is_named(town: Town) -> None:
    with pytest.raises(LookupError, match="'r'"):
        _ = Run.of(town.context, RunEvent(run="r", group="g")).record
