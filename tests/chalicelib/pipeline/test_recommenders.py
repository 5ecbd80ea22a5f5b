"""A recommender, task by task; the whole way is in tests/workflow/test_domains.py."""

from __future__ import annotations

import json

import pytest

from chalicelib import layout
from chalicelib.config.sections import Gate, Recommender
from chalicelib.documents import Decision
from chalicelib.pipeline import recommenders, release, truth
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import USER_PERSONALIZATION
from tests.chalicelib.shop import FIRST_DAY, Tasks, export_of, purchases
from tests.chalicelib.town import Servers

CONFIG = """
[group]
domain = "VIDEO_ON_DEMAND"

[[recommender]]
name = "top"
use_case = "aws-vod-top-picks"
exploration_weight = 0.0

[[recommender]]
name = "bar"
use_case = "aws-vod-most-popular"
gate = { over_popularity = 50.0 }
"""


@pytest.fixture(scope="module")
def made(servers: Servers) -> Run:
    town = servers.open_town()
    films = [f"i{taste}{n},Drama,{FIRST_DAY}" for taste in range(6) for n in range(10)]
    run = town.begin_run(
        "films",
        CONFIG,
        export_of(
            town,
            "films",
            {
                "interactions/seen.csv": purchases().replace(b",view", b",Watch"),
                "items/films.csv": "\n".join(
                    ["ITEM_ID,GENRES,CREATION_TIMESTAMP", *films, ""]
                ).encode(),
            },
        ),
    )
    tasks = Tasks(run)
    tasks.normalise()
    tasks.check()
    tasks.bring_in()
    for name in run.config.trained:
        tasks.train(name)
    return run


def test_the_withheld_users_are_asked_through_the_runtime(made: Run) -> None:
    assert Tasks(made).score("top").action == "promote"
    decision = made.work.read_document(layout.decision(made.name, "top"), Decision)
    assert decision.users >= 30
    assert decision.candidate.endswith(":recommender/films-top")
    assert set(decision.metrics) == {"candidate", "popularity"}
    assert decision.own_metrics


def test_what_misses_the_bar_of_the_config_is_not_served(made: Run) -> None:
    assert Tasks(made).score("bar").action == "hold"
    assert made.ledger.serving("films", "bar") is None


def test_a_served_one_is_verified_and_may_be_withdrawn(made: Run) -> None:
    Tasks(made).promote("top")
    record = made.ledger.serving("films", "top")
    assert record is not None
    assert (record.campaign_arn, record.asked) == (None, record.recommender_arn)
    assert record.metadata_columns == ("GENRES", "CREATION_TIMESTAMP")
    release.roll_back(made.context, Tasks(made).of("top"))
    assert made.ledger.serving("films", "top") is None


def test_at_most_so_many_are_asked_and_others_in_each_run(made: Run) -> None:
    asked = truth.ask_withheld(made, USER_PERSONALIZATION)
    assert recommenders._some(asked, "seed") is asked
    some, others = (recommenders._some(asked, seed, most=10) for seed in ("a", "b"))
    assert len(some.lines) == len(some.truth) == 10
    assert json.dumps(some.lines) != json.dumps(others.lines)
    for user, index in some.of_user.items():
        assert some.lines[index] == {"userId": user}


def test_there_is_no_floor_unless_the_config_sets_one() -> None:
    wanted = Recommender(name="a", use_case="aws-vod-top-picks")
    assert recommenders.bars_of(wanted).floor == 0.0
    assert (
        recommenders.bars_of(
            Recommender(name="a", use_case="aws-vod-top-picks", gate=Gate(over_popularity=1.1))
        ).over_popularity
        == 1.1
    )
