"""The gaps of moto's EventBridge and S3 events."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from recdrop.local.stack import Stack
from tests.recdrop.conftest import ended, eventually
from tests.recdrop.local.shims.drops import drop, make_queue, receive, run_of


def test_a_drop_becomes_a_run_although_a_schedule_rule_was_made_first(stack: Stack) -> None:
    run = run_of(stack, drop(stack, "shop/interactions/a b+ü.csv", b"first"))
    assert run["status"] == "SUCCEEDED"
    assert json.loads(run["input"])["key"] == "shop/interactions/a b+ü.csv"


def test_a_failing_target_does_not_keep_the_event_from_the_next_rule(stack: Stack) -> None:
    url, arn = make_queue(stack)
    events = stack.boto_client("events")
    for name, target in (
        ("a-bad", "arn:aws:sqs:us-east-1:123456789012:no-such-queue"),
        ("b-good", arn),
    ):
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["shop"]}))
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "Sold", "Detail": "{}"}])
    assert [event["detail-type"] for event in receive(stack, url)] == ["Sold"]


def test_disabled_and_schedule_rules_get_no_events(stack: Stack) -> None:
    url, arn = make_queue(stack)
    events = stack.boto_client("events")
    events.put_rule(Name="c-off", EventPattern=json.dumps({"source": ["shop"]}), State="DISABLED")
    events.put_rule(Name="d-tick", ScheduleExpression="rate(1 day)")
    for name in ("c-off", "d-tick"):
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": arn}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "Sold", "Detail": "{}"}])
    assert receive(stack, url) == []


def test_events_reach_state_machines_and_lambdas(stack: Stack) -> None:
    states, events = stack.boto_client("stepfunctions"), stack.boto_client("events")
    machine = states.create_state_machine(
        name="from-event",
        definition=json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    check = f"arn:aws:lambda:us-east-1:123456789012:function:{stack.resources['Check']}"
    events.put_rule(Name="e-both", EventPattern=json.dumps({"source": ["both"]}))
    token = json.dumps({"token": "by-event"})
    targets = [{"Id": "m", "Arn": machine}, {"Id": "l", "Arn": check, "Input": token}]
    events.put_targets(Rule="e-both", Targets=targets)
    events.put_events(Entries=[{"Source": "both", "DetailType": "x", "Detail": "{}"}])
    executions = eventually(lambda: states.list_executions(stateMachineArn=machine)["executions"])
    assert json.loads(ended(stack, executions[0]["executionArn"])["output"])["source"] == "both"
    eventually(lambda: stack.invoke("Check", {"token": "by-event"})["attempts"] >= 2)


def test_s3_events_have_awss_fields(stack: Stack) -> None:
    url, arn = make_queue(stack)
    events = stack.boto_client("events")
    events.put_rule(Name="f-s3", EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule="f-s3", Targets=[{"Id": "t", "Arn": arn}])
    etag = drop(stack, "shop/interactions/poison-1.csv", b"fields")
    drop(stack, "shop/interactions/poison-2.csv")
    events.remove_targets(Rule="f-s3", Ids=["t"])
    first, second = receive(stack, url)
    assert first["detail"]["object"]["etag"] == etag
    assert first["detail"]["reason"] == "PutObject"
    assert first["id"] != second["id"]
    assert first["detail"]["object"]["sequencer"] < second["detail"]["object"]["sequencer"]
    assert first["time"].endswith("Z")


def test_the_same_event_five_times_at_once_is_one_run(stack: Stack) -> None:
    with ThreadPoolExecutor(5) as pool:
        etags = set(
            pool.map(
                lambda n: drop(stack, f"shop/interactions/copy-{n}.csv", b"same content"), range(5)
            )
        )
    assert len(etags) == 1
    etag = etags.pop()
    run_of(stack, etag)
    states = stack.boto_client("stepfunctions")
    listed = states.list_executions(stateMachineArn=stack.outputs["StateMachineArn"])["executions"]
    assert [run["name"] for run in listed].count(f"run-{etag}") == 1


def test_notifications_arrive_by_subscription(stack: Stack) -> None:
    stack.boto_client("sns").publish(
        TopicArn=stack.resources["Topic"], Message=json.dumps({"hello": "inbox"})
    )
    received: list[Any] = []

    def look() -> bool:
        received.extend(receive(stack, stack.outputs["InboxUrl"]))
        return {"hello": "inbox"} in received

    eventually(look)
