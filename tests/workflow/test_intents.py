"""What answers a question: what the config names, for what it is for."""

from __future__ import annotations

from typing import Any

from tests.workflow.shop import Shop, csv, purchases, wait_for

RENAMED = b"""
[source]
min_kept = 0

[[solution]]
name = "zeta"
recipe = "aws-user-personalization-v2"
gate = { when_unsure = "promote" }
"""


def test_a_solution_that_left_the_config_never_answers_any_more(shop: Shop) -> None:
    config = RENAMED.replace(b"zeta", b"alpha")
    shop.drop({"names/recdrop.toml": config, "names/interactions/a.csv": csv(purchases(seed=41))})
    assert shop.finish("names")["status"] == "succeeded"
    assert shop.get("/recommendations/u001?group=names")[1]["solution"] == "alpha"

    shop.drop({"names/recdrop.toml": RENAMED, "names/interactions/b.csv": csv(purchases(seed=42))})
    assert shop.finish("names")["status"] == "succeeded"
    # What the API reads is kept for ten seconds.
    answer = wait_for(lambda: answered_by(shop, "zeta"), "the new solution to answer", 15)
    assert answer["source"] == "campaign"
    status, answer = shop.get("/recommendations/u001?group=names&solution=alpha")
    assert (status, answer["error"]["message"][-22:]) == (404, "Expected one of: zeta.")


def answered_by(shop: Shop, solution: str) -> dict[str, Any] | None:
    status, answer = shop.get("/recommendations/u001?group=names")
    assert status == 200
    found: dict[str, Any] = answer
    return found if found["solution"] == solution else None


def test_a_stray_object_leaves_the_only_group_the_only_one(shop: Shop) -> None:
    shop.drop({"shpo/orders.csv": csv(purchases(seed=43))})
    shop.drop({"shpo/interactions/orders.csv": b"not,a,header\n"})
    shop.finish("shpo")
    assert shop.get("/recommendations/u001")[1]["group"] == "names"
    assert shop.get("/recommendations/u001?group=shpo")[0] == 404
