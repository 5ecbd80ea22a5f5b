"""The guard in front of a service: real requests of botocore, a service that only counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recdrop.local.iam.guard import Guard
from recdrop.local.iam.operations import Need, Place
from recdrop.local.iam.packaged import MANAGED_KEY
from recdrop.local.iam.policy import Decision, Policy, PolicyError, Request
from recdrop.local.iam.principals import Principals, Role
from tests.recdrop.local.iam.wire import answered_by, client

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:exports"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/drop"
JOB = f"arn:aws:personalize:us-east-1:{ACCOUNT}:dataset-import-job/j"
PERSONALIZE = "personalize.amazonaws.com"
WHO = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/Train is not authorized to perform: "
NOBODY_ALLOWS = "because no identity-based policy allows the {} action"
Statement = dict[str, Any]


def policy(name: str, *statements: Statement) -> Policy:
    return Policy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service: str, **condition: Any) -> Policy:
    principal = {"Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return policy("trust", {"Effect": "Allow", **principal, "Condition": condition})


@dataclass
class Service:
    """Answers each request alike, and keeps what was asked."""

    status: str = "200 OK"
    body: bytes = b""
    asked: list[str] = field(default_factory=list)

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.asked.append(environ["PATH_INFO"])
        start_response(self.status, [("Content-Length", str(len(self.body)))])
        return [self.body]


@dataclass
class House:
    """A guarded service; `key` is that of a session of the role."""

    guard: Guard
    service: Service
    key: str

    def client(self, name: str, key: str | None = None) -> Any:
        return client(name, key or self.key, answered_by(self.guard.protect(self.service)))

    def refusal(self, name: str, operation: str, /, **parameters: Any) -> tuple[str, str]:
        """Code and text of the refusal of a call."""
        with pytest.raises(ClientError) as raised:
            getattr(self.client(name), operation)(**parameters)
        error: Any = raised.value.response["Error"]
        return error["Code"], error["Message"]


def house(*statements: Statement, trusts: Policy | None = None, **resources: Policy) -> House:
    guard = Guard(Place("us-east-1", ACCOUNT))
    role = Role(ROLE, (policy("worker", *statements),), trusts or trust("lambda.amazonaws.com"))
    principals = Principals([role])
    arns = {"exports": QUEUE, "work": "arn:aws:s3:::work"}
    of_resources = {arns[name]: value for name, value in resources.items()}
    guard.open(principals, of_resources, [QUEUE])
    return House(guard, Service(), principals.open_session(ROLE, "Train"))


def test_what_the_roles_policy_allows_reaches_the_service() -> None:
    made = house(allow("sqs:SendMessage", QUEUE))
    url = f"http://127.0.0.1:4566/{ACCOUNT}/exports"
    made.service.body = (
        b'{"MessageId": "1", "MD5OfMessageBody": "6f8f57715090da2632453988d9a1501b"}'
    )
    made.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    assert made.service.asked == ["/"]


def test_what_it_does_not_allow_is_refused_in_awss_words_and_never_gets_there() -> None:
    made = house(allow("states:StartExecution", "*"))
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:pipeline:run"
    code, text = made.refusal("stepfunctions", "get_execution_history", executionArn=arn)
    assert code == "AccessDeniedException"
    action = "states:GetExecutionHistory"
    assert text == f"{WHO}{action} on resource: {arn} {NOBODY_ALLOWS.format(action)}"
    assert made.service.asked == []


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "get_object", {"Bucket": "work", "Key": "a"}),
        ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:1:runs", "Message": "m"}),
        ("sqs", "list_queues", {}),
    ],
)
def test_a_refusal_has_a_request_id_which_step_functions_writes_into_its_causes(
    service: str, operation: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(house().client(service), operation)(**parameters)
    assert raised.value.response["ResponseMetadata"]["RequestId"]


def test_every_arn_that_a_request_names_has_to_be_allowed() -> None:
    prefix = f"arn:aws:personalize:us-east-1:{ACCOUNT}:"
    group, recipe = f"{prefix}dataset-group/shop", "arn:aws:personalize:::recipe/aws-sims"
    made = house(
        allow("personalize:CreateSolution", f"{prefix}solution/*"),
        allow("personalize:CreateSolution", f"{prefix}dataset-group/*"),
    )
    given = {"name": "s", "datasetGroupArn": group, "recipeArn": recipe}
    _, text = made.refusal("personalize", "create_solution", **given)
    assert f"personalize:CreateSolution on resource: {recipe}" in text


def test_a_role_is_passed_only_to_the_service_that_the_policy_names() -> None:
    job: dict[str, Any] = {
        "jobName": "j",
        "datasetArn": f"arn:aws:personalize:us-east-1:{ACCOUNT}:dataset/shop/ITEMS",
        "dataSource": {"dataLocation": "s3://b/"},
        "roleArn": "arn:aws:iam::123456789012:role/personalize",
    }
    condition = {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    made = house(
        allow("personalize:*", "*"), allow("iam:PassRole", job["roleArn"], Condition=condition)
    )
    _, text = made.refusal("personalize", "create_dataset_import_job", **job)
    assert f"iam:PassRole on resource: {job['roleArn']}" in text


def test_whoever_is_no_role_and_whoever_does_not_sign_is_the_developer() -> None:
    made = house()
    made.client("s3", "recdrop").put_object(Bucket="things", Key="a", Body=b"x")
    started: list[str] = []
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/things/a"}
    list(made.guard.protect(made.service)(request, lambda status, _: started.append(status)))  # type: ignore[arg-type]
    assert started == ["200 OK"]


def test_a_missing_object_is_403_for_whoever_may_not_list_the_bucket() -> None:
    read = allow("s3:GetObject", "arn:aws:s3:::work/*")
    missing = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"
    made = house(read)
    made.service.status, made.service.body = "404 Not Found", missing
    code, text = made.refusal("s3", "get_object", Bucket="work", Key="a")
    assert code == "AccessDenied"
    assert 's3:ListBucket on resource: "arn:aws:s3:::work"' in text
    assert made.refusal("s3", "head_object", Bucket="work", Key="a")[0] == "403"

    lister = house(read, allow("s3:ListBucket", "arn:aws:s3:::work"))
    lister.service.status, lister.service.body = "404 Not Found", missing
    assert lister.refusal("s3", "get_object", Bucket="work", Key="a")[0] == "NoSuchKey"


def test_a_bucket_that_wants_tls_is_open_since_the_same_client_speaks_tls_at_aws() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::work/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    made = house(allow("s3:PutObject", "arn:aws:s3:::work/*"), work=policy("work", deny))
    made.client("s3").put_object(Bucket="work", Key="a", Body=b"x")
    made = house(
        allow("s3:PutObject", "arn:aws:s3:::work/*"),
        work=policy("work", {**deny, "Condition": {}}),
    )
    _, text = made.refusal("s3", "put_object", Bucket="work", Key="a", Body=b"x")
    assert text.endswith("with an explicit deny in a resource-based policy")


def test_a_rule_sends_to_a_queue_whose_policy_names_it() -> None:
    condition = {"ArnEquals": {"aws:SourceArn": RULE}}
    statement = allow("sqs:SendMessage", QUEUE, Condition=condition)
    events = "events.amazonaws.com"
    made = house(exports=policy("q", {**statement, "Principal": {"Service": events}}))
    need = Need("sqs:SendMessage", QUEUE)
    assert made.guard.check_delivery(events, RULE, need) is None
    refused = made.guard.check_delivery(events, f"{RULE}-other", need)
    assert refused is not None
    assert "no resource-based policy allows the sqs:SendMessage action" in refused
    assert made.guard.check_delivery(events, RULE, Need("sqs:SendMessage", f"{QUEUE}-mine")) is None


def test_a_state_machines_role_has_to_trust_step_functions_and_allow_the_function() -> None:
    function, states = "arn:aws:lambda:us-east-1:123456789012:function:f", "states.amazonaws.com"
    need = Need("lambda:InvokeFunction", function)
    invoke = allow("lambda:InvokeFunction", function)
    assert (
        house(invoke, trusts=trust(states)).guard.check_for_service(states, "m", ROLE, need) is None
    )
    for made in (house(invoke), house(trusts=trust(states))):
        assert made.guard.check_for_service(states, "m", ROLE, need) is not None


def assume(made: House, source: str = JOB) -> str:
    """The key of a session that Personalize gets for a job."""
    sts = made.client("sts", PERSONALIZE)

    def tell(params: Any, **_: Any) -> None:
        params["headers"]["x-amz-source-arn"] = source

    sts.meta.events.register("before-call.sts.AssumeRole", tell)
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="Personalize")
    key: str = answer["Credentials"]["AccessKeyId"]
    return key


def test_personalize_needs_its_role_and_the_buckets_word() -> None:
    read = allow("s3:GetObject", "arn:aws:s3:::work/*")
    condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:personalize:us-east-1:{ACCOUNT}:*"}}
    service = {"Principal": {"Service": PERSONALIZE}, "Condition": condition}
    trusts = trust(PERSONALIZE, **condition)
    both = house(read, trusts=trusts, work=policy("w", {**read, **service}))
    both.client("s3", assume(both)).get_object(Bucket="work", Key="a")
    for made in (
        house(read, trusts=trusts),
        house(trusts=trusts, work=policy("w", {**read, **service})),
    ):
        made.key = assume(made)
        assert made.refusal("s3", "get_object", Bucket="work", Key="a")[0] == "AccessDenied"


def test_a_role_is_assumed_only_by_whom_it_trusts_and_for_what() -> None:
    condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:personalize:us-east-1:{ACCOUNT}:*"}}
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(house(trusts=trust("glue.amazonaws.com")))
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        assume(
            house(trusts=trust(PERSONALIZE, **condition)), "arn:aws:personalize:us-east-1:666:job"
        )
    with pytest.raises(ClientError, match="user/developer is not authorized"):
        house().client("sts", "recdrop").assume_role(RoleArn=ROLE, RoleSessionName="me")


def test_a_session_is_told_who_it_is() -> None:
    identity = house().client("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/Train"
    assert identity["Account"] == ACCOUNT


def test_each_decision_is_recorded_with_the_statement_that_made_it() -> None:
    made = house(allow("s3:PutObject", "arn:aws:s3:::work/*", Sid="Write"))
    seen: list[tuple[Request, Decision]] = []
    made.guard.record = lambda request, decision: seen.append((request, decision))
    made.client("s3").put_object(Bucket="work", Key="a", Body=b"x")
    [(request, decision)] = seen
    assert (request.action, request.resource) == ("s3:PutObject", "arn:aws:s3:::work/a")
    assert decision.by == ("worker", "Write")


def test_a_changed_policy_counts_for_what_was_decided_before() -> None:
    made = house(allow("s3:PutObject", "arn:aws:s3:::work/*"))
    made.client("s3").put_object(Bucket="work", Key="a", Body=b"x")
    made.guard.change(
        "arn:aws:s3:::work",
        policy("w", {**allow("s3:*", "*"), "Effect": "Deny", "Principal": "*"}),
    )
    assert "explicit deny" in made.refusal("s3", "put_object", Bucket="work", Key="a")[1]
    made.guard.change("arn:aws:s3:::work", None)
    made.client("s3").put_object(Bucket="work", Key="a", Body=b"x")
    made.guard.principals.change(Role(ROLE, (), trust("lambda.amazonaws.com")))
    assert made.refusal("s3", "put_object", Bucket="work", Key="a")[0] == "AccessDenied"


def test_an_alarm_cannot_use_the_key_that_aws_manages_for_topics_and_a_function_can() -> None:
    topic, alarms = f"arn:aws:sns:us-east-1:{ACCOUNT}:runs", "cloudwatch.amazonaws.com"
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/sns"
    published = policy("t", {**allow("sns:Publish", topic), "Principal": {"Service": alarms}})
    own = policy("k", {**allow("kms:*", "*"), "Principal": {"Service": alarms}})
    role = Role(ROLE, (policy("worker", allow("sns:Publish", topic)),), trust("states"))
    need = Need("sns:Publish", topic)

    def guarded(of_key: Policy) -> tuple[Guard, Any]:
        guard, principals = Guard(Place("us-east-1", ACCOUNT)), Principals([role])
        guard.open(principals, {topic: published, key: of_key}, [topic], {topic: key})
        return guard, principals.find(principals.open_session(ROLE, "Notify"))

    guard, function = guarded(MANAGED_KEY)
    refused = guard.check_delivery(alarms, "alarm", need)
    assert refused is not None
    assert f"kms:GenerateDataKey on resource: {key}" in refused
    assert guard.check(function, need) is None

    guard, function = guarded(own)
    assert guard.check_delivery(alarms, "alarm", need) is None
    refused = guard.check(function, need)
    assert refused is not None
    assert "kms:GenerateDataKey" in refused


def test_a_policy_that_cannot_be_evaluated_is_refused_when_the_stack_starts() -> None:
    with pytest.raises(PolicyError, match="StringSounds"):
        house(allow("s3:*", "*", Condition={"StringSounds": {"a": "b"}}))
