"""An allow is needed when some recorded request is refused without it, and only then."""

from __future__ import annotations

from collections.abc import Mapping

from infrastructure.permissions.removals import Allow, find
from recdrop.local.iam.policy import Policy, Principal, Request
from recdrop.local.iam.recording import PolicySet

ROLE = "arn:aws:iam::123456789012:role/train"
TRAIN = Principal(ROLE, "123456789012", "train")
EVENTS = Principal("", "", None, "events.amazonaws.com")
QUEUE = "arn:aws:sqs:us-east-1:123456789012:exports"
GET = Request(TRAIN, "s3:GetObject", "arn:aws:s3:::work/a", {})
SEND = Request(EVENTS, "sqs:SendMessage", QUEUE, {})
ASSUME = Request(EVENTS, "sts:AssumeRole", ROLE, {})


def policy(name: str, *statements: Mapping[str, object]) -> Policy:
    return Policy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def allow(sid: str, action: object, resource: object = "*", **more: object) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource, **more}


def set_of(*statements: Mapping[str, object]) -> PolicySet:
    return PolicySet({ROLE: [policy("train", *statements)]})


def test_an_action_that_nothing_uses_is_unused() -> None:
    found = find([(set_of(allow("Use", ["s3:GetObject", "s3:PutObject"])), [GET])], {})
    assert found.needed == {Allow("train", "Use", "s3:GetObject")}
    assert found.unused == {Allow("train", "Use", "s3:PutObject")}
    assert found.total == 2


def test_a_resource_that_nothing_uses_is_unused() -> None:
    policies = set_of(allow("Use", "s3:GetObject", ["arn:aws:s3:::work/*", "arn:aws:s3:::drop/*"]))
    found = find([(policies, [GET])], {})
    assert found.unused == {Allow("train", "Use", "drop/*")}
    assert Allow("train", "Use", "work/*") in found.needed


def test_of_two_allows_for_the_same_neither_is_needed() -> None:
    found = find([(set_of(allow("One", "s3:GetObject"), allow("Two", "s3:Get*")), [GET])], {})
    assert found.needed == frozenset()
    assert len(found.unused) == 2


def test_trust_and_the_policies_of_resources_count() -> None:
    to_events = {"Principal": {"Service": "events.amazonaws.com"}}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", **to_events}
    policies = PolicySet(
        {},
        {ROLE: policy("train.trust", trust)},
        {QUEUE: policy("QueuePolicy", allow("Send", "sqs:SendMessage", QUEUE, **to_events))},
    )
    found = find([(policies, [SEND, ASSUME])], {})
    assert found.needed == {
        Allow("QueuePolicy", "Send", "sqs:SendMessage"),
        Allow("train.trust", "#0", "sts:AssumeRole"),
    }
    assert find([(policies, [])], {}).unused == found.needed


def test_what_one_recording_needs_is_needed() -> None:
    policies = set_of(allow("Use", "s3:GetObject"))
    assert find([(policies, []), (policies, [GET])], {}).unused == frozenset()


def test_a_request_under_changed_policies_proves_nothing() -> None:
    found = find([(set_of(allow("Use", "s3:PutObject")), [GET])], {})
    assert found.unused == {Allow("train", "Use", "s3:PutObject")}


def test_a_deny_is_no_allow() -> None:
    deny = {"Sid": "Never", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    assert find([(set_of(deny, allow("Use", "s3:GetObject")), [GET])], {}).total == 1


def test_an_unneeded_allow_can_have_a_reason_and_a_reason_has_to_excuse_something() -> None:
    policies = set_of(allow("Logs", ["logs:PutLogEvents"]), allow("Use", "s3:GetObject"))
    reasons = {"*/Logs/*": "Lambda writes them itself.", "*/Gone/*": "No more.", "*/Use/*": "Used."}
    found = find([(policies, [GET])], reasons)
    assert found.excused == {Allow("train", "Logs", "logs:PutLogEvents"): reasons["*/Logs/*"]}
    assert found.unused == frozenset()
    assert found.idle == ("*/Gone/*", "*/Use/*")
