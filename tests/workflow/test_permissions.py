"""What functions may do that the other workflow tests have no use for: each allow is needed once.

`make check-permissions` takes away every allow, and looks whether a call of these tests is refused.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from functools import partial

import pytest

from chalicelib.context import Context
from chalicelib.documents import DataRecord, GroupRecord
from chalicelib.ledger import iso_time
from tests.workflow.shop import DAY, FIRST_DAY, Shop, catalogue, csv, purchases, wait_for

# With a record of its calls it is run by `make check-permissions`, which CI does too.
pytestmark = pytest.mark.slow

CONFIG = b"""
[source]
mode = "INCREMENTAL"
schema = "update"

[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
gate = { when_unsure = "promote", over_popularity = 0.0, max_regression = 1.0 }
batch = { num_results = 5, filter = "bought" }

[[solution]]
name = "order"
recipe = "aws-personalized-ranking-v2"
gate = { when_unsure = "promote", over_popularity = 0.0, max_regression = 1.0 }

[[filter]]
name = "bought"
expression = 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("view")'
"""
ONE_SOLUTION = b"""
[[solution]]
name = "for-you"
recipe = "aws-user-personalization-v2"
gate = { when_unsure = "promote", over_popularity = 0.0, max_regression = 1.0 }
"""
USERS = csv([f"u{user:03d},{20 + user % 50}" for user in range(80)], "USER_ID,AGE")


def test_filters_rankings_and_streamed_rows(shop: Shop) -> None:
    shop.drop(
        {
            "wide/recdrop.toml": CONFIG,
            "wide/interactions/orders.csv": csv(purchases()),
            "wide/items/things.csv": catalogue(),
            "wide/users/people.csv": USERS,
        }
    )
    report = shop.finish("wide")
    assert report["status"] == "succeeded", report["reason"]
    assert shop.work_keys("results/wide/for-you/")

    status, answer = shop.get("/recommendations/u001?group=wide&numResults=3&filter=bought")
    assert (status, answer["source"]) == (200, "campaign")
    ranking = {"userId": "u001", "items": ["i010", "i020", "i030"]}
    answer = shop.post("/rank?group=wide", ranking)
    assert (answer["source"], len(answer["items"])) == ("campaign", 3)
    rows = {"items": [{"itemId": "new", "properties": {"TASTE": "new", "NAME": "New"}}]}
    people = {"users": [{"userId": "new", "properties": {"AGE": 30}}]}
    assert shop.post("/events?group=wide", {**rows, **people}, key="WriteKey")


def test_more_rows_with_another_column_are_added(shop: Shop) -> None:
    items = catalogue().decode().splitlines()
    more = [f"{items[0]},STOCK", *(f"{row},{n}" for n, row in enumerate(items[1:]))]
    later = purchases(seed=2, start=FIRST_DAY + 101 * DAY)
    shop.drop(
        {
            "wide/interactions/later.csv": csv(later),
            "wide/items/things.csv": "\n".join(more).encode(),
        }
    )
    report = shop.finish("wide")
    assert report["status"] == "succeeded", report["reason"]
    personalize = shop.stack.boto_client("personalize")
    [items_set] = [
        one for one in personalize.list_datasets()["datasets"] if one["name"] == "wide-items"
    ]
    dataset = personalize.describe_dataset(datasetArn=items_set["datasetArn"])["dataset"]
    schema = personalize.describe_schema(schemaArn=dataset["schemaArn"])["schema"]["schema"]
    assert "STOCK" in schema


def test_the_schedule_trains_what_is_due_and_tells_what_it_cannot_read(shop: Shop) -> None:
    from recdrop.local.events.ticker import scheduled_event
    from recdrop.local.shims.delivery import send_to_each_target

    context = Context()
    [last] = [context.ledger.run(context.ledger.runs("wide")[-1])]
    assert last is not None
    context.ledger.update_run(last.run, ended=iso_time(time.time() - 8 * DAY))
    run = context.ledger.claim_run("deleted-by-hand", "r1").run
    context.ledger.record_group(1, GroupRecord(group="deleted-by-hand", run=run))
    context.ledger.record_data("deleted-by-hand", DataRecord(run=run))
    odd = {"pk": "group#odd", "sk": "run#odd-1", "run": "odd-1"}
    for item in ({"pk": "groups", "sk": "odd"}, odd, {"pk": "run#odd-1", "sk": "run"}):
        context.ledger.table.put_item(Item=item)

    for rule in shop.stack._rules():
        if rule.scheduled_expression:
            send_to_each_target(rule, scheduled_event(rule, dt.datetime.now(dt.UTC)))
    report = shop.finish("wide")
    assert report["status"] == "succeeded", report["reason"]
    assert "Import a dataset" not in {stage["name"] for stage in report["stages"]}
    assert context.ledger.group("deleted-by-hand") is None
    assert context.ledger.data("deleted-by-hand") is None
    gone = context.ledger.run(run)
    assert gone is not None
    assert gone.destroyed


def test_a_first_version_that_does_not_answer_serves_nobody(shop: Shop) -> None:
    refuse = {"fault": "error", "code": "ValidationException", "status": 400}
    shop.plan_personalize_fault({"operation": "GetRecommendations", "call": 1, **refuse})
    shop.drop(
        {"first/recdrop.toml": ONE_SOLUTION, "first/interactions/a.csv": csv(purchases(seed=3))}
    )
    report = shop.finish("first")
    assert (report["status"], report["solutions"][0]["result"]) == ("failed", "failed")
    assert shop.ledger("group#first", "serving#for-you") is None
    status, answer = shop.get("/recommendations/u001?group=first&numResults=3")
    assert (status, answer["source"]) == (200, "fallback")


def test_a_version_whose_creation_went_unanswered_is_found(shop: Shop) -> None:
    unanswered = {"call": 1, "fault": "timeout-after"}
    shop.plan_personalize_fault({"operation": "CreateSolutionVersion", **unanswered})
    shop.drop(
        {"lost/recdrop.toml": ONE_SOLUTION, "lost/interactions/a.csv": csv(purchases(seed=4))}
    )
    report = shop.finish("lost")
    assert report["status"] == "succeeded", report["reason"]


def test_a_run_without_a_report_is_told_of_all_the_same(shop: Shop) -> None:
    shop.plan_lambda_fault(function="WriteReport", when="before", error="Broken", times=50)
    shop.drop(
        {"silent/recdrop.toml": ONE_SOLUTION, "silent/interactions/a.csv": csv(purchases(seed=5))}
    )
    told = wait_for(lambda: shop.notifications("silent"), "the notification", 120)
    shop.stack.lambdas.faults.clear()
    assert any("before its report could be written" in message for message in told.values())


def test_what_is_ignored_is_kept_in_the_record_of_the_run(shop: Shop) -> None:
    body = csv(purchases(seed=6))
    listed = {"INTERACTIONS": [{"name": "interactions/a.csv", "size": len(body)}]}
    listing = {"version": 1, "run_id": "r1", "datasets": listed}
    shop.drop({"extra/recdrop.toml": ONE_SOLUTION + b'[source]\ncomplete = "manifest"\n'})
    # The manifest comes last: until then nothing is decided, however long it takes.
    for key, content in (("interactions/a.csv", body), ("notes.txt", b"Nothing to import.")):
        shop.drop({f"extra/{key}": content})
        wait_for(partial(shop.ledger, "group#extra", f"arrival#extra/{key}"), "the arrival")
    shop.drop({"extra/manifest.json": json.dumps(listing).encode()})
    report = shop.finish("extra")
    record = Context().ledger.run(report["run"])
    assert record is not None
    assert "extra/notes.txt" in (record.ignored or {})


def test_a_file_that_vanished_is_told_from_one_that_is_forbidden(shop: Shop) -> None:
    run = Context().ledger.runs("extra")[-1]
    shop.stack.boto_client("s3").delete_object(
        Bucket=shop.stack.outputs["DropBucketName"], Key="extra/interactions/a.csv"
    )
    batch = {"first": 0, "count": 1}
    shop.stack.invoke("NormaliseFiles", {"run": run, "group": "extra", "batch": batch})
    notes = [shop.read_work(key) for key in shop.work_keys("quarantine/extra/")]
    assert [note["code"] for note in notes] == ["vanished"]


def test_what_the_queue_may_not_take_goes_to_the_dead_letters(shop: Shop) -> None:
    guard, sqs = shop.stack.guard, shop.stack.boto_client("sqs")
    arns = {
        name: sqs.get_queue_attributes(
            QueueUrl=shop.stack.resources[name], AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        for name in ("ExportQueue", "ExportDeadLetters")
    }
    policy = guard.policy_of(arns["ExportQueue"])
    guard.change(arns["ExportQueue"], None)
    try:
        shop.drop({"dead/interactions/a.csv": csv(purchases(seed=7))})
        buried = wait_for(
            lambda: sqs.receive_message(QueueUrl=shop.stack.resources["ExportDeadLetters"]).get(
                "Messages"
            ),
            "the dead letter",
            30,
        )
    finally:
        guard.change(arns["ExportQueue"], policy)
    assert "dead/interactions/a.csv" in buried[0]["Body"]
