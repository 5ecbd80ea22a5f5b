"""What answers a question: what the config names, for what it is for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.shop import FIRST_DAY, Shop, catalogue, csv, purchases, wait_for

# With a record of its calls it is run by `make check-permissions`, which CI does too.
pytestmark = pytest.mark.slow

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


EVERY_USE = b"""
[[solution]]
name = "fans"
recipe = "aws-item-affinity"
batch = { num_results = 8 }

[[solution]]
name = "next"
recipe = "aws-next-best-action"

[[solution]]
name = "old"
recipe = "aws-hrnn-metadata"

[[solution]]
name = "top"
recipe = "aws-popularity-count"

[[solution]]
name = "rise"
recipe = "aws-trending-now"

[[filter]]
name = "not-yet-taken"
expression = 'EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("Taken")'
"""


def test_every_recipe_comes_to_its_use(shop: Shop) -> None:
    kinds = ("Taken", "Not Taken", "Viewed")
    taken = [f"u{n % 80:03d},a{n % 7},{kinds[n % 3]},{FIRST_DAY + 600 * n}" for n in range(1_200)]
    actions = [f"a{n},{'mail' if n % 2 else 'call'}" for n in range(7)]
    shop.drop(
        {
            "uses/recdrop.toml": EVERY_USE,
            "uses/interactions/a.csv": csv(purchases(seed=44)),
            "uses/items/things.csv": catalogue(),
            "uses/actions/a.csv": csv(actions, "ACTION_ID,CHANNEL"),
            "uses/action_interactions/a.csv": csv(taken, "USER_ID,ACTION_ID,EVENT_TYPE,TIMESTAMP"),
        }
    )
    report = shop.finish("uses")
    assert report["status"] == "succeeded", report["reason"]
    assert {s["solution"]: s["result"] for s in report["solutions"]} == dict.fromkeys(
        ("fans", "next", "old", "top", "rise"), "promoted"
    )
    served = {
        path: shop.get(f"{path}?group=uses&numResults=3")[1]
        for path in ("/recommendations/u001", "/popular", "/trending")
    }
    assert {path: (a["source"], a["solution"]) for path, a in served.items()} == {
        "/recommendations/u001": ("campaign", "old"),
        "/popular": ("campaign", "top"),
        "/trending": ("campaign", "rise"),
    }
    status, answer = shop.get("/segments/i010?group=uses")
    assert (status, len(answer["users"])) == (200, 8)
    assert shop.work_keys("results/uses/fans/")
    assert shop.get("/segments/nothing?group=uses")[0] == 404

    path = "/actions/u001?group=uses&filter=not-yet-taken&numResults=7"
    status, before = shop.get(path)
    assert status == 200
    best = before["actions"][0]["actionId"]
    did = {"userId": "u001", "actionId": best, "eventType": "Taken"}
    sent = shop.post("/events?group=uses", {"actionInteractions": [did]}, key="WriteKey")
    assert sent == {"accepted": 1}
    after = wait_for(
        lambda: [action["actionId"] for action in shop.get(path)[1]["actions"]],
        "the actions",
    )
    assert best not in after
    assert len(after) < len(before["actions"])


def test_a_sixth_campaign_is_refused_before_anything_is_imported(shop: Shop) -> None:
    entry = '[[solution]]\nname = "{}"\nrecipe = "aws-popularity-count"\n'
    config = "[source]\nmin_kept = 0\n" + "".join(entry.format(f"s{n}") for n in range(3))
    others = config.replace('"s', '"t')
    shop.drop({"full/recdrop.toml": config.encode(), "full/interactions/a.csv": csv(purchases())})
    assert shop.finish("full")["status"] == "succeeded"
    shop.drop(
        {"full/recdrop.toml": others.encode(), "full/interactions/a.csv": csv(purchases(seed=46))}
    )
    report = shop.finish("full")
    assert report["status"] == "failed"
    assert "Quota campaigns per dataset group: 3 of 5 are there" in report["reason"]
    assert "full-s0, full-s1, full-s2" in report["reason"]
    assert "Import a dataset" not in {stage["name"] for stage in report["stages"]}
    assert shop.get("/popular?group=full")[1]["solution"] == "s0"
