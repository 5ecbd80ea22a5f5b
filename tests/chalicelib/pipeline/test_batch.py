from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib import layout
from chalicelib.documents import Segment, SegmentIndex
from chalicelib.errors import ResourceFailed
from chalicelib.pipeline import batch
from chalicelib.runs import Run
from tests.chalicelib.shop import Tasks, catalogue, export_of, purchases
from tests.chalicelib.town import Servers, persist

EVERY_KIND = """
[[solution]]
name = "order"
recipe = "aws-personalized-ranking-v2"
batch = { num_results = 5 }

[[solution]]
name = "near"
recipe = "aws-sims"
batch = { num_results = 3 }

[[solution]]
name = "fans"
recipe = "aws-item-affinity"

[[solution]]
name = "taste"
recipe = "aws-item-attribute-affinity"
batch = { num_results = 10, attributes = ['ITEMS.TASTE = "taste-1"'] }

[[solution]]
name = "wrong"
recipe = "aws-item-affinity"
batch = { items = ["i10", "nobody-knows-it"] }
"""


@pytest.fixture(scope="module")
def trained(servers: Servers) -> Run:
    """A run whose solutions want batch jobs of every kind, trained."""
    town = servers.open_town()
    dropped = {"interactions/orders.csv": purchases(), "items/things.csv": catalogue()}
    run = town.begin_run("bulk", EVERY_KIND, export_of(town, "bulk", dropped))
    tasks = Tasks(run)
    tasks.normalise()
    tasks.check()
    tasks.bring_in()
    for solution in run.config.solution:
        tasks.train(solution.name)
    return run


def answers(run: Run, solution: str) -> list[dict[str, Any]]:
    event = Tasks(run).of(solution)
    persist(lambda: batch.run_batch_inference(run.context, event))
    body = run.work.read(layout.batch_answers(run.group, solution, run.name))
    return [json.loads(line) for line in body.splitlines()]


def test_related_items_are_asked_for_each_item(trained: Run) -> None:
    lines = answers(trained, "near")
    assert {line["input"]["itemId"] for line in lines} == {
        f"i{taste}{n}" for taste in range(6) for n in range(10)
    }
    assert {len(line["output"]["recommendedItems"]) for line in lines} == {3}


def test_a_ranking_is_asked_for_each_user_about_what_is_popular(trained: Run) -> None:
    lines = answers(trained, "order")
    assert len(lines) == 60
    for line in lines:
        assert set(line["output"]["recommendedItems"]) == set(line["input"]["itemList"])


def test_a_segment_of_an_item_is_served(trained: Run) -> None:
    assert len(answers(trained, "fans")) == 60  # items, all of them popular enough
    place_of = (trained.group, "fans", trained.name)
    index = trained.work.read_document(layout.segment_index(*place_of), SegmentIndex)
    found = trained.work.read_document(
        layout.segment(*place_of, index.places["i10"]), Segment
    ).users
    assert len(found) == 25
    # Whoever has taste 1 is u001, u007, ...
    assert {int(user[1:]) % 6 for user in found[:5]} == {1}
    record = trained.ledger.serving(trained.group, "fans")
    assert record is not None
    assert (record.campaign_arn, record.run) == (None, trained.name)


def test_a_segment_of_attributes_is_that_of_the_config(trained: Run) -> None:
    [line] = answers(trained, "taste")
    users = line["output"].get("recommendedUsers") or line["output"]["usersList"]
    assert len(users) == 10
    assert {int(user[1:]) % 6 for user in users} == {1}


def test_an_error_among_the_answers_fails_the_step(trained: Run) -> None:
    event = Tasks(trained).of("wrong")
    with pytest.raises(ResourceFailed, match=r"1 of 2 lines .* 'wrong' are errors") as caught:
        persist(lambda: batch.run_batch_inference(trained.context, event))
    assert "nobody-knows-it" in str(caught.value)
    assert trained.ledger.serving(trained.group, "wrong") is None


def test_batch_inference_answers_for_every_user_where_the_config_asks_for_it(promoted: Run) -> None:
    for solution in ("for-you", "similar"):
        event = Tasks(promoted).of(solution)
        persist(lambda event=event: batch.run_batch_inference(promoted.context, event))  # type: ignore[misc]
    folder = layout.batch_output("promoted", "for-you", promoted.name)
    [key] = [key for key in promoted.work.keys(folder) if key.endswith(".out")]
    lines: list[Any] = [json.loads(line) for line in promoted.work.read(key).splitlines()]
    assert len(lines) == 60
    assert {len(line["output"]["recommendedItems"]) for line in lines} == {5}
    assert promoted.work.keys(layout.batch_output("promoted", "similar", promoted.name)) == []
