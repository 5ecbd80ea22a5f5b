"""One test per gap of moto: each fails when its shim is taken out (or when moto closes the gap and
it may go).
"""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recdrop.local import shims
from recdrop.local.stack import Stack
from tests.recdrop.conftest import SCALE, ended, eventually, run_machine, task

INVOKE = "arn:aws:states:::lambda:invoke"


def drop(stack: Stack, key: str, body: bytes = b"x") -> str:
    """Put an object in the drop bucket; its ETag."""
    answer = stack.boto_client("s3").put_object(
        Bucket=stack.outputs["DropBucketName"], Key=key, Body=body
    )
    return str(answer["ETag"]).strip('"')


def run_of(stack: Stack, etag: str) -> dict[str, Any]:
    """The ended execution that a drop has started."""
    arn = stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":run-{etag}"
    states = stack.boto_client("stepfunctions")

    def look() -> bool:
        try:
            return bool(states.describe_execution(executionArn=arn))
        except states.exceptions.ExecutionDoesNotExist:
            return False

    eventually(look)
    return ended(stack, arn)


def make_queue(stack: Stack) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    sqs = stack.boto_client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]


def receive(stack: Stack, url: str) -> list[Any]:
    """The bodies in a queue."""
    messages = (
        stack.boto_client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        .get("Messages", [])
    )
    return [json.loads(message["Body"]) for message in messages]


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


def test_a_message_wakes_its_poller_at_once(stack: Stack) -> None:
    heard: list[str] = []
    site = shims.site()
    site.message_arrived, before = heard.append, site.message_arrived
    url, _ = make_queue(stack)
    stack.boto_client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    site.message_arrived = before
    assert heard == [url.rsplit("/", 1)[-1]]


def test_queue_addresses_lead_to_this_stack(stack: Stack) -> None:
    assert stack.outputs["InboxUrl"].startswith(stack.aws_url)


def test_physical_names_depend_on_the_logical_id_alone(stack: Stack) -> None:
    from moto.cloudformation.parsing import generate_resource_name

    names = [generate_resource_name("AWS::S3::Bucket", "recdrop", "DropBucket") for _ in range(2)]
    assert names == [stack.outputs["DropBucketName"]] * 2


def test_json_templates_are_read_as_json(stack: Stack) -> None:
    described = stack.boto_client("cloudformation").describe_stacks(StackName="recdrop")["Stacks"][
        0
    ]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    from moto.cloudformation.models import Stack as MotoStack

    assert MotoStack.parse_template('{"a": 1e3}') == {"a": 1000.0}  # text, to YAML 1.1
    assert MotoStack.parse_template("a: 1") == {"a": 1}


def test_the_templates_state_machine_executes(stack: Stack) -> None:
    states = stack.boto_client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.outputs["StateMachineArn"], name="by-hand")[
        "executionArn"
    ]
    described = ended(stack, arn)
    assert json.loads(described["output"])["check"] == {"token": "by-hand", "attempts": 3}


def test_definition_substitutions_and_context_paths_survive(stack: Stack) -> None:
    machine = stack.boto_client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.outputs["StateMachineArn"]
    )
    check = json.loads(machine["definition"])["States"]["Check"]
    assert check["Parameters"]["FunctionName"].endswith(f":function:{stack.resources['Check']}")
    assert check["Parameters"]["Payload"]["token.$"] == "$$.Execution.Name"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s, arn: s.start_execution(stateMachineArn=arn, input="{"), "InvalidExecutionInput"),
        (
            lambda s, arn: s.update_state_machine(stateMachineArn=arn, definition="{}"),
            "InvalidDefinition",
        ),
        (lambda s, arn: s.start_execution(stateMachineArn=arn, name="a/b"), "InvalidName"),
    ],
)
def test_step_functions_errors_have_codes(stack: Stack, call: Any, code: str) -> None:
    with pytest.raises(ClientError) as error:
        call(stack.boto_client("stepfunctions"), stack.outputs["StateMachineArn"])
    assert error.value.response["Error"]["Code"] == code


def test_starts_without_a_name_get_one_each(stack: Stack) -> None:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    first, second = (run_machine(stack, definition, "nameless") for _ in range(2))
    assert len({first["name"], second["name"], "None"}) == 3


def test_times_in_the_state_data_are_text(stack: Stack) -> None:
    definition = {
        "StartAt": "P",
        "States": {
            "P": {"Type": "Pass", "Parameters": {"at.$": "$$.Execution.StartTime"}, "End": True}
        },
    }
    assert json.loads(run_machine(stack, definition, "times")["output"])["at"].endswith("Z")


def test_sdk_tasks_speak_pascal_case(stack: Stack) -> None:
    resource = "arn:aws:states:::aws-sdk:dynamodb:describeTable"
    described = run_machine(
        stack, task(resource, {"TableName": stack.resources["Ledger"]}), "pascal"
    )
    table = json.loads(described["output"])["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["CreationDateTime"].endswith("Z")


def test_sdk_errors_carry_the_services_pascal_case_name(stack: Stack) -> None:
    resource = "arn:aws:states:::aws-sdk:ssm:getParameter"
    described = run_machine(stack, task(resource, {"Name": "no-such"}), "pascal-error")
    assert (
        described["error"] == "Ssm.ParameterNotFoundException"
        or described["error"] == "Ssm.ParameterNotFound"
    )


def test_tasks_call_this_stack_and_lambdas_in_process(stack: Stack) -> None:
    definition = task(
        INVOKE, {"FunctionName": stack.resources["Check"], "Payload": {"token": "in-process"}}
    )
    output = json.loads(run_machine(stack, definition, "in-process")["output"])
    assert output["StatusCode"] == 200
    assert output["Payload"]["attempts"] == 1


def test_an_unknown_function_is_an_error_of_lambda(stack: Stack) -> None:
    described = run_machine(stack, task(INVOKE, {"FunctionName": "no-such"}), "no-such-function")
    assert described["error"] == "Lambda.ResourceNotFoundException"


def test_retries_wait_scaled_seconds_and_stop_when_the_run_is_stopped(stack: Stack) -> None:
    payload = {"token": str(uuid.uuid4()), "pending": 99}
    retry = [
        {"ErrorEquals": ["ResourcePending"], "IntervalSeconds": SCALE * 3600, "MaxAttempts": 9}
    ]
    definition = task(
        INVOKE, {"FunctionName": stack.resources["Check"], "Payload": payload}, Retry=retry
    )
    states = stack.boto_client("stepfunctions")
    machine = states.create_state_machine(
        name="long-retry",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: len(states.get_execution_history(executionArn=arn)["events"]) > 4)
    states.stop_execution(executionArn=arn, error="Enough", cause="for a test")
    described = ended(stack, arn)
    assert (described["status"], described["error"], described["cause"]) == (
        "ABORTED",
        "Enough",
        "for a test",
    )


def test_waits_are_scaled(stack: Stack) -> None:
    definition = {
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": SCALE // 4, "End": True}},
    }
    began = time.monotonic()
    assert run_machine(stack, definition, "scaled-wait")["status"] == "SUCCEEDED"
    assert 0.2 < time.monotonic() - began < SCALE // 4


def test_old_executions_are_forgotten(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shims, "KEPT_EXECUTIONS", 2)
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    last = [run_machine(stack, definition, "many") for _ in range(4)][-1]
    states = stack.boto_client("stepfunctions")
    arn = last["stateMachineArn"]
    eventually(lambda: len(states.list_executions(stateMachineArn=arn)["executions"]) == 2)


def test_histories_come_in_pages_and_backwards(stack: Stack) -> None:
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    arn = run_machine(stack, definition, "history")["executionArn"]
    states = stack.boto_client("stepfunctions")
    whole = states.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in whole] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=arn, maxResults=3, reverseOrder=True
    )
    assert [event["id"] for page in pages for event in page["events"]] == [4, 3, 2, 1]


def test_a_definition_is_parsed_once(stack: Stack) -> None:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    text = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    assert AmazonStateLanguageParser.parse(text)[0] is AmazonStateLanguageParser.parse(text)[0]


def test_a_cached_definition_keeps_retry_counts_apart(stack: Stack) -> None:
    retry = [{"ErrorEquals": ["ResourcePending"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    parameters = {
        "FunctionName": stack.resources["Check"],
        "Payload": {"token.$": "$$.Execution.Name", "pending.$": "$.pending"},
    }
    definition = task(INVOKE, parameters, Retry=retry)
    with ThreadPoolExecutor(8) as pool:
        ends = list(
            pool.map(
                lambda n: run_machine(stack, definition, "cached", {"pending": 3 + n % 2}), range(8)
            )
        )
    assert [end["status"] for end in ends] == ["SUCCEEDED", "FAILED"] * 4


def test_a_failed_run_can_be_redriven(stack: Stack) -> None:
    parameters = {
        "FunctionName": stack.resources["Check"],
        "Payload": {"token.$": "$$.Execution.Name", "pending": 1},
    }
    failed = run_machine(stack, task(INVOKE, parameters), "redrive")
    assert failed["status"] == "FAILED"
    states = stack.boto_client("stepfunctions")
    states.redrive_execution(executionArn=failed["executionArn"])
    assert ended(stack, failed["executionArn"])["status"] == "SUCCEEDED"
    with pytest.raises(ClientError, match="Expected FAILED"):
        states.redrive_execution(executionArn=failed["executionArn"])


def test_poisonous_messages_alone_end_in_the_dead_letter_queue(stack: Stack) -> None:
    drop(stack, "shop/interactions/poison-dead.csv", b"dead")
    good = drop(stack, "shop/interactions/good.csv", b"good")
    assert run_of(stack, good)["status"] == "SUCCEEDED"
    url = stack.resources["DeadLetters"]
    keys: list[str] = []

    def look() -> bool:
        keys.extend(event["detail"]["object"]["key"] for event in receive(stack, url))
        return "shop/interactions/poison-dead.csv" in keys

    eventually(look)
    assert all("poison" in key for key in keys)


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
