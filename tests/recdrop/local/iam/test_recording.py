"""What is recorded can be judged again, after it was merged from many processes."""

from __future__ import annotations

from pathlib import Path

from recdrop.local.iam.policy import Decision, Policy, Principal, Request
from recdrop.local.iam.recording import VARIABLE, PolicySet, Recorder, read, recorder

ROLE = "arn:aws:iam::123456789012:role/train"
TRAIN = Principal(ROLE, "123456789012", "train")
OTHER = Principal("", "", None, "events.amazonaws.com")
YES = Decision(allowed=True, reason="an identity-based policy allows", by=("train", "Read"))
NO = Decision(allowed=False, reason="no identity-based policy allows", by=None)
GET = Request(TRAIN, "s3:GetObject", "arn:aws:s3:::work/a", {"aws:SecureTransport": "true"})
SEND = Request(OTHER, "sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q", {"k": ["a", "b"]})


def policy(name: str, **statement: object) -> Policy:
    return Policy(name, {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


POLICIES = PolicySet(
    identity={ROLE: [policy("train", Sid="Read", Action="s3:GetObject", Resource="*")]},
    trust={ROLE: policy("train.trust", Action="sts:AssumeRole", Principal={"Service": "a.b"})},
    resources={SEND.resource: policy("Q", Action="sqs:*", Resource="*", Principal="*")},
)


def test_requests_of_all_processes_come_back_with_their_policies(tmp_path: Path) -> None:
    for request in (GET, SEND):
        writer = Recorder(tmp_path)
        writer.use(POLICIES)
        writer.record(request, YES)
    [(policies, requests)] = read(tmp_path)
    assert requests == [GET, SEND] or requests == [SEND, GET]
    assert all(policies.judge(request).allowed for request in requests)
    assert policies.judge(GET) == POLICIES.judge(GET) == YES


def test_a_request_is_written_once(tmp_path: Path) -> None:
    writer = Recorder(tmp_path)
    for _ in range(3):
        writer.use(POLICIES)
        writer.record(GET, YES)
    assert len(writer.path.read_text().splitlines()) == 2


def test_other_policies_are_another_set(tmp_path: Path) -> None:
    writer = Recorder(tmp_path)
    writer.use(POLICIES)
    writer.record(GET, YES)
    writer.use(PolicySet(identity={}))
    writer.record(SEND, YES)
    assert [requests for _, requests in read(tmp_path)] == [[GET], [SEND]]


def test_only_what_roles_and_services_were_allowed_is_written(tmp_path: Path) -> None:
    writer = Recorder(tmp_path)
    writer.record(GET, YES)
    writer.use(POLICIES)
    writer.record(GET, NO)
    developer = Principal("arn:aws:iam::123456789012:user/developer", "123456789012")
    writer.record(Request(developer, GET.action, GET.resource, {}), YES)
    assert [requests for _, requests in read(tmp_path)] == [[]]


def test_an_object_is_judged_by_its_buckets_policy_and_a_role_by_its_trust() -> None:
    assert POLICIES.policy_of("arn:aws:s3:::work/a/b") is None
    work = PolicySet({}, {}, {"arn:aws:s3:::work": policy("WorkBucketPolicy")})
    assert work.policy_of("arn:aws:s3:::work/a/b") == work.policy_of("arn:aws:s3:::work")
    service = Principal("", "", None, "a.b")
    assert POLICIES.judge(Request(service, "sts:AssumeRole", ROLE, {})).allowed
    assert not POLICIES.judge(Request(OTHER, "sts:AssumeRole", ROLE, {})).allowed


def test_the_environment_asks_for_a_recording(tmp_path: Path) -> None:
    assert recorder({}) is None
    asked = recorder({VARIABLE: str(tmp_path / "new")})
    assert asked is not None
    assert asked.path.parent == tmp_path / "new"
