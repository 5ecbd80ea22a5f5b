"""EventBridge and S3 events: every rule and every target gets its event, written as AWS writes it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
import uuid
from typing import Any

from recdrop.local.iam.operations import Need
from recdrop.local.shims.site import site
from recdrop.local.shims.times import utc_text

LOG = logging.getLogger(__name__)
EVENTS = "events.amazonaws.com"
S3_REASONS = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}


def deliver_per_rule_and_target() -> None:
    """A schedule rule matches every event, and its failing target ends the loop over the rules."""
    from moto.events.models import Rule

    def send_to_targets(rule: Any, original_event: Any, transform_input: bool = True) -> None:
        del transform_input
        # A schedule rule has no pattern, and moto takes that for one that fits everything.
        if rule.scheduled_expression or rule.state != "ENABLED":
            return
        if rule.event_pattern.matches_event(original_event):
            send_to_each_target(rule, original_event)

    Rule.send_to_targets = send_to_targets


def send_to_each_target(rule: Any, event: dict[str, Any]) -> None:
    """Send the event to the rule's targets; one that fails is logged and does not stop the others.

    What a target's policy does not let the rule send goes to the rule's dead letters, if those do.
    """
    for target in rule.targets:
        try:
            if refusal := refusal_of(rule, target):
                LOG.error("Rule %s may not reach %s: %s", rule.name, target["Arn"], refusal)
                bury(rule, target, event)
            else:
                send_to_target(rule, target, event)
        except Exception:
            LOG.exception("Rule %s could not reach %s", rule.name, target["Arn"])


# What EventBridge needs at a target, which the target's own policy has to allow.
ACTIONS = {"sqs": "sqs:SendMessage", "lambda": "lambda:InvokeFunction", "sns": "sns:Publish"}


def refusal_of(rule: Any, target: dict[str, Any]) -> str | None:
    """AWS's sentence when the rule may not send to the target.

    A log group is not asked. A state machine is asked through the target's role.
    """
    guard, arn = site().guard, target["Arn"]
    kind = arn.split(":")[2]
    if kind in ACTIONS:
        return guard.check_delivery(EVENTS, rule.arn, Need(ACTIONS[kind], arn))
    if kind == "states" and "RoleArn" in target:
        need = Need("states:StartExecution", arn)
        return guard.check_for_service(EVENTS, rule.arn, target["RoleArn"], need)
    return None


def bury(rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
    """Send the event to the dead letters of the target, if it has a queue for them that lets us."""
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue and refusal_of(rule, {"Arn": queue}) is None:
        send_to_target(rule, {"Arn": queue}, event)


def send_to_target(rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
    """One delivery, to an SQS queue, a Lambda function, a state machine, an SNS topic or a log group.

    Raises:
        NotImplementedError: any other kind of target.
    """
    service, region = target["Arn"].split(":")[2:4]
    text = target_input(target, event)
    name = target["Arn"].split(":")[-1]
    match service:
        case "sqs":
            from moto.sqs.models import sqs_backends

            group = target.get("SqsParameters", {}).get("MessageGroupId")
            with site().lock:
                sqs_backends[rule.account_id][region].send_message(name, text, group_id=group)
        case "lambda":
            # Not under the lock: the handler calls moto over HTTP, from another thread.
            site().lambdas.invoke_later(target["Arn"], text.encode())
        case "states":
            from moto.stepfunctions.parser.models import stepfunctions_parser_backends

            with site().lock:
                stepfunctions_parser_backends[rule.account_id][region].start_execution(
                    target["Arn"], str(uuid.uuid4()), text
                )
        case "sns":
            from moto.sns.models import sns_backends

            with site().lock:
                sns_backends[rule.account_id][region].publish(message=text, arn=target["Arn"])
        case "logs":
            rule._send_to_cw_log_group(name, dict(event))
        case _:
            raise NotImplementedError(
                f"Target {target['Arn']!r}. Expected SQS, Lambda, Step Functions, SNS or Logs."
            )


def target_input(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The text a target receives: its constant input, its transformed input, or the event.

    The time of the event is ISO 8601, as on AWS; moto has epoch seconds.
    """
    from moto.events.utils import EventTemplateParser

    if "Input" in target:
        return str(target["Input"])
    if not isinstance(event.get("time"), str):
        event = {**event, "time": utc_text(event.get("time"))}
    if "InputTransformer" not in target:
        return json.dumps(event)
    transformer = target["InputTransformer"]
    transformed = EventTemplateParser.parse(
        input_template=transformer["InputTemplate"],
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=event,
    )
    return transformed if isinstance(transformed, str) else json.dumps(transformed)


def write_s3_events_as_aws_does() -> None:
    """S3 events share one id and one sequencer, spell `etag` `eTag`, and hide every failure.

    moto also reports tags and an ACL as set with every put; those events are dropped.
    """
    from moto.events.models import events_backends
    from moto.s3 import notifications

    def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        if event_name.startswith(("s3:ObjectTagging", "s3:ObjectAcl")):
            return
        event = s3_event(account_id, bucket, event_name, key)
        for bus in events_backends[account_id][bucket.region_name].event_buses.values():
            for rule in bus.rules.values():
                rule.send_to_targets(event)

    notifications._send_event_bridge_message = send_event_bridge_message


def s3_event(account: str, bucket: Any, event_name: str, key: Any) -> dict[str, Any]:
    """The EventBridge event of an object, key unencoded."""
    from moto.s3.notifications import _detail_type

    action = event_name.removeprefix("s3:").split(":")[-1]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {
            "key": key.name,
            "size": key.size,
            "etag": key.etag.replace('"', ""),
            # AWS promises only that a later write of a key has the greater one, as text.
            "sequencer": f"{time.time_ns():016X}",
        },
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": account,
        "source-ip-address": "127.0.0.1",
        "reason": S3_REASONS.get(action, action),
    }
    if bucket.is_versioned and key.version_id:
        detail["object"]["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": _detail_type(event_name),
        "source": "aws.s3",
        "account": account,
        "time": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": detail,
    }
