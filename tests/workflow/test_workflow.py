"""From dropped files to served answers; what fails on the way is in test_failures.py.

Every test has a dataset group of its own.
"""

from __future__ import annotations

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chalicelib.vocabulary.recipes import RECIPES, USER_PERSONALIZATION, Recipe
from recdrop.cli.common import FINDINGS, USAGE, CliError
from recdrop.cli.forget import NOTHING_DONE, Place
from recdrop.cli.forgetting import mentions
from recdrop.cli.here import Here
from recdrop.cli.main import main
from recdrop.local.aws.identity import ACCOUNT
from tests.workflow.shop import (
    DAY,
    FIRST_DAY,
    ONE_SOLUTION,
    Shop,
    catalogue,
    csv,
    purchases,
    wait_for,
)


def manifest(files: dict[str, bytes], group: str) -> bytes:
    datasets: dict[str, list[dict[str, Any]]] = {}
    for key, body in files.items():
        name = key.removeprefix(f"{group}/")
        datasets.setdefault(name.split("/")[0].upper(), []).append(
            {"name": name, "size": len(body)}
        )
    return json.dumps({"version": 1, "run_id": "r1", "datasets": datasets}).encode()


def test_a_dropped_export_becomes_a_served_recommendation(shop: Shop) -> None:
    shop.drop(
        {"whole/interactions/orders.csv": csv(purchases()), "whole/items/things.csv": catalogue()}
    )
    report = shop.finish("whole")
    assert (report["status"], report["execution_status"]) == ("succeeded", "SUCCEEDED")
    assert {s["solution"]: s["result"] for s in report["solutions"]} == {
        "for-you": "promoted",
        "similar": "promoted",
    }

    status, answer = shop.get("/recommendations/u001?numResults=5&group=whole")
    assert (status, answer["source"], len(answer["items"])) == (200, "campaign", 5)
    assert answer["solutionVersion"] == shop.serving("whole")
    assert answer["items"][0]["metadata"]["NAME"].startswith("Thing")
    assert answer["items"][0]["itemId"].startswith("i01")  # u001 walks round the items of taste 1

    status, answer = shop.get("/similar/i030?numResults=3&group=whole")
    assert (status, answer["source"]) == (200, "campaign")
    assert {item["itemId"][:3] for item in answer["items"]} == {"i03"}

    status, answer = shop.get("/recommendations/nobody?numResults=3&group=whole")
    assert (status, len(answer["items"])) == (200, 3)
    assert "Popular item" in json.dumps(answer)
    assert shop.lease_holder("whole") is None


def test_a_recipe_is_a_row(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row makes the config take it, trains it, scores it and serves it."""
    config = b'[[solution]]\nname = "mine"\nrecipe = "made-up-recipe"\n'
    shop.drop({"row/recdrop.toml": config, "row/interactions/orders.csv": csv(purchases(seed=21))})
    settle(shop)
    assert shop.executions("row") == []
    assert any("'made-up-recipe'. Expected one of" in told for told in told_about(shop, "row"))

    row = Recipe("made-up-recipe", USER_PERSONALIZATION, price="interactions")
    monkeypatch.setitem(RECIPES, row.name, row)
    shop.drop({"row/recdrop.toml": config})
    [solution] = shop.finish("row")["solutions"]
    assert (solution["recipe"], solution["result"]) == ("made-up-recipe", "promoted")
    assert solution["decision"]["users"] >= 30
    status, answer = shop.get("/recommendations/u001?numResults=5&group=row")
    assert (status, answer["source"], answer["recipe"]) == (200, "campaign", "made-up-recipe")


def told_about(shop: Shop, group: str) -> list[str]:
    return list(shop.notifications(group).values())


def test_a_new_event_changes_the_next_answer(shop: Shop) -> None:
    before = shop.get("/recommendations/visitor?numResults=5&group=whole")[1]
    for step in range(4):
        event = {"userId": "visitor", "eventType": "view", "itemId": f"i05{step}"}
        shop.post("/events?group=whole", event, key="WriteKey")
    after = wait_for(lambda: changed(shop, before), "the events to count", 10)
    assert after["items"][0]["itemId"].startswith("i05")


def changed(shop: Shop, before: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = shop.get("/recommendations/visitor?numResults=5&group=whole")[1]
    return found if found["items"] != before["items"] else None


def test_gzip_parts_in_any_order_with_a_manifest_are_one_run_however_often_they_come(
    shop: Shop,
) -> None:
    rows = purchases(seed=2)
    halves = {
        f"parts/interactions/data_0_{n}_0.csv.gz": gzip.compress(csv(rows[n::2]), mtime=0)
        for n in range(2)
    }
    listing = {"parts/manifest.json": manifest(halves, "parts")}
    first, second = ({key: body} for key, body in halves.items())
    shop.drop(
        {
            "parts/recdrop.toml": ONE_SOLUTION + b'[source]\ncomplete = "manifest"\n',
            **second,
            **listing,
            **first,
        }
    )
    report = shop.finish("parts")
    assert report["status"] == "succeeded"
    assert report["data"]["datasets"][0]["files"] == 2
    assert any("for-you promoted" in subject for subject in shop.notifications("parts"))

    with ThreadPoolExecutor(5) as many:
        list(many.map(lambda _: shop.drop({**halves, **listing}), range(5)))
    settle(shop)
    assert len(shop.executions("parts")) == 1


def settle(shop: Shop) -> None:
    """Until the queue of exports is empty."""
    sqs = shop.stack.boto_client("sqs")
    url = sqs.get_queue_url(QueueName="recdrop-exports")["QueueUrl"]
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]

    def empty() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(found[name] == "0" for name in names)

    wait_for(empty, "the queue of exports to be empty", 30)


def test_a_manifest_whose_part_never_comes_is_quarantined_by_name(shop: Shop) -> None:
    files = {
        "lost/interactions/data_0_0_0.csv": csv(purchases()),
        "lost/interactions/data_0_1_0.csv": b"x",
    }
    shop.drop(
        {
            "lost/interactions/data_0_0_0.csv": files["lost/interactions/data_0_0_0.csv"],
            "lost/manifest.json": manifest(files, "lost"),
        }
    )
    keys = wait_for(lambda: shop.work_keys("quarantine/lost/"), "the quarantine", 30)
    assert "data_0_1_0.csv" in shop.read_work(keys[0])["reason"]
    assert shop.executions("lost") == []


@pytest.mark.parametrize(
    ("group", "body", "reason"),
    [
        ("noheader", csv(purchases(), "CUSTOMER,ITEM_ID,TIMESTAMP,EVENT_TYPE"), "USER_ID"),
        ("toofew", csv(purchases(users=20, each=10)), "1,000"),
    ],
)
def test_an_export_that_cannot_train_fails_with_its_reason(
    shop: Shop, group: str, body: bytes, reason: str
) -> None:
    shop.drop({f"{group}/interactions/orders.csv": body})
    report = shop.finish(group)
    assert (report["status"], report["execution_status"]) == ("failed", "FAILED")
    assert "ExportRejected in 'Check the export'" in report["reason"]
    assert reason in report["reason"]
    assert shop.work_keys(f"quarantine/{group}/")
    assert any(reason in message for message in shop.notifications(group).values())
    assert shop.lease_holder(group) is None


def test_ten_bad_lines_and_milliseconds_are_dropped_counted_and_reported(shop: Shop) -> None:
    rows = purchases(seed=3, users=100, each=100)
    milliseconds = [
        ",".join([user, item, f"{at}000", kind])
        for user, item, at, kind in (row.split(",") for row in rows)
    ]
    bad = [",i000,1700000000000,view"] * 5 + ["u001,i000,yesterday-ish,view"] * 5
    shop.drop(
        {
            "dirty/recdrop.toml": ONE_SOLUTION + b"batch = { num_results = 5 }\n",
            "dirty/interactions/orders.csv": csv(
                [*milliseconds[:5000], *bad, *milliseconds[5000:]]
            ),
        }
    )
    report = shop.finish("dirty")
    dataset = report["data"]["datasets"][0]
    assert report["status"] == "succeeded"
    assert dataset["rows"] - dataset["kept"] >= 10
    assert sum(f["rows"] for f in report["data"]["findings"] if f["severity"] == "warning") >= 10
    assert any("millisecond" in f["sentence"] for f in report["data"]["findings"])
    assert any(key.endswith(".jsonl") for key in shop.work_keys("quarantine/dirty/"))
    assert shop.work_keys(
        "results/dirty/for-you/"
    )  # a batch inference for every user was asked for


def test_a_worse_candidate_is_held_and_the_campaign_is_left_alone(shop: Shop) -> None:
    config = {"gate/recdrop.toml": ONE_SOLUTION}
    rows = purchases(seed=4, users=240, each=18, days=60, noise=0.05)
    shop.drop({**config, "gate/interactions/first.csv": csv(rows)})
    assert shop.finish("gate")["solutions"][0]["result"] == "promoted"
    live = shop.serving("gate")

    # The newest tenth of each history is what the gate withholds: all that the shuffle left whole.
    later = purchases(seed=5, users=240, each=2, days=4, noise=0.05, start=FIRST_DAY + 61 * DAY)
    shuffled = [
        row.replace(row.split(",")[1], f"i{(n * 7919) % 12:02d}{n % 10}")
        for n, row in enumerate(rows)
    ]
    shop.drop({"gate/interactions/first.csv": csv([*shuffled, *later])})
    held = shop.finish("gate")["solutions"][0]
    assert held["result"] == "held", held["decision"]["reasons"]
    assert "worse" in held["decision"]["reasons"][0]
    assert shop.serving("gate") == live

    shop.drop({"gate/interactions/first.csv": csv([*rows, *later])})
    better = shop.finish("gate")["solutions"][0]
    assert score_of(better["decision"]) > score_of(held["decision"])


def score_of(decision: dict[str, Any]) -> float:
    found: float = decision["metrics"]["candidate"][decision["metric"]]
    return found


def test_a_due_group_is_trained_again_without_an_export(shop: Shop) -> None:
    from chalicelib.context import Context
    from chalicelib.intake import retraining

    gate = b'gate = { when_unsure = "promote" }\n'
    shop.drop(
        {"due/recdrop.toml": ONE_SOLUTION + gate, "due/interactions/a.csv": csv(purchases(seed=18))}
    )
    assert shop.finish("due")["status"] == "succeeded"
    started = retraining.start_due_runs(Context(now=lambda: time.time() + 8 * DAY))
    report = shop.finish("due")
    assert report["status"] == "succeeded", report["reason"]
    assert report["run"] in started
    assert "Import a dataset" not in {stage["name"] for stage in report["stages"]}
    assert "Not enough evidence" in report["solutions"][0]["decision"]["reasons"][0]


def test_a_config_alone_is_applied_to_what_is_there(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.drop({"set/recdrop.toml": ONE_SOLUTION, "set/interactions/a.csv": csv(purchases(seed=20))})
    assert shop.finish("set")["status"] == "succeeded"
    served = shop.serving("set")
    new = (
        ONE_SOLUTION
        + b"campaign = { min_provisioned_tps = 2, exploration_weight = 0.1 }\n"
        + b'[[solution]]\nname = "like-it"\nrecipe = "aws-similar-items"\n'
        + b'[[filter]]\nname = "not-seen"\n'
        + b"expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN (\"view\")'\n"
    )
    config, where = tmp_path / "recdrop.toml", ["--endpoint-url", shop.stack.aws_url]
    config.write_bytes(new)
    assert main(["plan", "set", "--config", str(config), *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines if line[:2] in ("+ ", "~ ", "- ", "! ")] == [
        "+ filter not-seen",
        "~ campaign for-you",
        "~ campaign for-you",
        "+ solution like-it",
        "+ campaign like-it",
    ]
    assert main(["apply", "set", "--config", str(config), *where]) == 0
    report = shop.finish("set")
    assert main(["plan", "set", *where]) == 0
    assert "Group set is what its config says." in capsys.readouterr().out
    assert report["status"] == "succeeded", report["reason"]
    assert {s["solution"]: s["result"] for s in report["solutions"]} == {"like-it": "promoted"}
    campaign = shop.stack.boto_client("personalize").describe_campaign(
        campaignArn=f"arn:aws:personalize:us-east-1:{ACCOUNT}:campaign/set-for-you"
    )["campaign"]
    assert campaign["minProvisionedTPS"] == 2
    assert campaign["campaignConfig"]["itemExplorationConfig"] == {"explorationWeight": "0.1"}
    assert campaign["solutionVersionArn"] == served
    assert shop.get("/similar/i011?group=set")[0] == 200
    assert shop.get("/recommendations/u001?group=set&filter=not-seen")[0] == 200

    config.write_bytes(ONE_SOLUTION)
    assert main(["apply", "set", "--config", str(config), *where]) == 0
    assert shop.finish("set")["solutions"] == []
    known = shop.ledger("catalogue", "set") or {}
    assert known["solutions"] == ["for-you"]
    assert main(["plan", "set", *where]) == 0
    assert "- solution set-like-it  it answers no more" in capsys.readouterr().out


def test_an_increment_too_small_to_import_goes_in_as_events(shop: Shop) -> None:
    config = ONE_SOLUTION + b'[source]\nmode = "INCREMENTAL"\n'
    shop.drop({"more/recdrop.toml": config, "more/interactions/a.csv": csv(purchases(seed=19))})
    assert shop.finish("more")["status"] == "succeeded"
    new = [f"newcomer,i03{step},{FIRST_DAY + 101 * DAY + step},view" for step in range(5)]
    shop.drop({"more/interactions/b.csv": csv(new)})
    report = shop.finish("more")
    assert report["status"] == "succeeded", report["reason"]
    assert "5 interactions are too few for an import" in json.dumps(report["data"]["findings"])
    assert report["solutions"] == []
    assert "Train" not in {stage["name"] for stage in report["stages"]}
    _, answer = shop.get("/recommendations/newcomer?group=more&numResults=5")
    assert {item["itemId"][:3] for item in answer["items"]} == {"i03"}


def test_a_second_drop_waits_for_the_first(shop: Shop) -> None:
    config = {
        "two/recdrop.toml": ONE_SOLUTION + b'[source]\ncomplete = "each-file"\nmin_kept = 0\n'
    }
    shop.drop(
        {
            **config,
            "two/interactions/a.csv": csv(purchases(seed=10)),
            "two/interactions/b.csv": csv(purchases(seed=11)),
        }
    )
    reports = [shop.finish("two"), shop.finish("two")]
    assert [report["status"] for report in reports] == ["succeeded", "succeeded"]
    spans = sorted((holding(report)) for report in reports)
    assert spans[0][1] <= spans[1][0] + 0.5


def holding(report: dict[str, Any]) -> tuple[float, float]:
    """From when a run had the lease until it gave it back."""
    ends = {stage["name"]: stage["ended"] for stage in report["stages"]}
    return ends["Take the group's lease"], ends["For each solution"]


def test_a_config_that_is_wrong_waits_for_its_correction(shop: Shop) -> None:
    shop.drop(
        {"typo/recdrop.toml": b'[[solution]]\nname = "x"\nrecipe = "aws-user-personalisation-v2"\n'}
    )
    shop.drop({"typo/interactions/orders.csv": csv(purchases(seed=12))})
    settle(shop)
    assert shop.executions("typo") == []
    shop.drop({"typo/recdrop.toml": ONE_SOLUTION})
    assert shop.finish("typo")["status"] == "succeeded"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/recommendations/u001?group=whole&numResults=abc", 400),
        ("/recommendations/u001?group=whole&filter=no-such-filter", 404),
        ("/recommendations/u001?group=no-such-group", 404),
        ("/recommendations/u001?group=whole&context=%7Bbad", 400),
        ("/nowhere", 403),
    ],
)
def test_bad_requests_are_refused_in_json_without_a_trace(
    shop: Shop, path: str, status: int
) -> None:
    found, answer = shop.get(path)
    assert found == status
    assert "Traceback" not in json.dumps(answer)


def test_a_forgotten_user_is_gone_from_personalize_and_from_every_file_of_ours(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ONE_SOLUTION + b"batch = { num_results = 5 }\n"
    rows = [*purchases(seed=31), "u002,i010,not a time"]
    shop.drop({"gone/recdrop.toml": config, "gone/interactions/orders.csv": csv(rows)})
    wait_for(lambda: shop.executions("gone"), "the run to begin")
    place = Place.of(Here(shop.stack.aws_url), "gone")
    with pytest.raises(CliError, match="is going on, and reads these users"):
        place.check_idle()
    assert shop.finish("gone")["status"] == "succeeded"
    place.check_idle()
    # As the template has it; moto's CloudFormation leaves it out.
    place.work.client.put_bucket_versioning(
        Bucket=place.work.name, VersioningConfiguration={"Status": "Enabled"}
    )
    held = [key for key in place.own_keys() if mentions(place.work.read(key), {"u002"})]
    folders = {key.split("/")[0] for key in held}
    assert {"clean", "sampled", "quarantine", "results", "runs"} <= folders

    done = place.forget({"u002"}, wait=True)
    assert done.status.endswith("records deleted")
    assert done.status != "0 records deleted"
    assert set(done.rewritten) == set(held) - {key for key in held if key.endswith(".html")}
    assert done.versions >= len(done.rewritten)
    assert done.dropped == ["gone/interactions/orders.csv"]
    for key in place.own_keys():
        assert not mentions(place.work.read(key), {"u002"}), key
    pages = [
        place.work.client.list_object_versions(Bucket=place.work.name, Prefix=prefix)
        for prefix in place.prefixes()
    ]
    assert all(version["IsLatest"] for page in pages for version in page.get("Versions", ()))
    assert list(place.work.keys("forget/")) == []

    again = place.forget({"u002"}, wait=True)
    assert (again.status, again.rewritten) == ("0 records deleted", {})
    capsys.readouterr()
    verb = ["forget", "u003", "--group", "gone", "--endpoint-url", shop.stack.aws_url]
    assert main(verb) == FINDINGS
    told = capsys.readouterr().out
    assert "in the drop bucket: gone/interactions/orders.csv" in told
    assert "u003" not in told
    status, answer = shop.get("/recommendations/u001?group=gone&numResults=3")
    assert (status, answer["source"]) == (200, "campaign")


def test_a_group_that_is_in_use_or_that_nobody_knows(shop: Shop) -> None:
    unknown = Place.of(Here(shop.stack.aws_url), "nobody-knows").forget({"u1"}, wait=True)
    assert (unknown.job, unknown.status, unknown.rewritten) == (None, NOTHING_DONE, {})
    assert list(Place.of(Here(shop.stack.aws_url), "nobody-knows").work.keys("forget/")) == []


def test_an_export_that_shrunk_is_held_until_somebody_accepts_it(shop: Shop) -> None:
    rows = purchases(seed=31, users=80)
    shop.drop({"less/recdrop.toml": ONE_SOLUTION, "less/interactions/orders.csv": csv(rows)})
    assert shop.finish("less")["status"] == "succeeded"
    shop.drop({"less/interactions/orders.csv": csv(rows[:1_080])})
    held = shop.finish("less")
    assert held["status"] == "failed"
    assert "45% of the users is left (80 before, 36 now)" in held["reason"]
    assert held["next_command"].startswith(f"recdrop accept {held['run']}")
    assert any("45% of the users" in told for told in shop.notifications("less").values())

    accept = ["accept", held["run"], "--endpoint-url", shop.stack.aws_url]
    assert main(accept) == 0
    accepted = shop.finish("less")
    assert (accepted["status"], accepted["run"]) == ("succeeded", f"{held['run']}-2")
    assert main(accept) == USAGE  # it has run


def test_a_destroyed_group_is_gone_and_the_same_export_begins_it_anew(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    export = {
        "old/recdrop.toml": ONE_SOLUTION,
        "old/interactions/orders.csv": csv(purchases(seed=32)),
    }
    shop.drop(export)
    first = shop.finish("old")
    assert first["status"] == "succeeded", first["reason"]
    where = ["--endpoint-url", shop.stack.aws_url]
    assert main(["destroy", "old", "--yes", *where]) == 0
    told = capsys.readouterr().out
    assert "campaign old-for-you" in told
    assert "Group old is gone" in told
    groups = shop.stack.boto_client("personalize").list_dataset_groups()["datasetGroups"]
    assert "old" not in {group["name"] for group in groups}
    assert shop.get("/recommendations/u001?group=old")[0] == 404
    assert main(["destroy", "old", "--yes", *where]) == FINDINGS
    assert "There is no group 'old'" in capsys.readouterr().err
    shop.drop(export)
    second = shop.finish("old")
    assert second["status"] == "succeeded", second["reason"]
    assert second["run"] == f"{first['run']}-2"
    assert shop.get("/recommendations/u001?group=old")[0] == 200
