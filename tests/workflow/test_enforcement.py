"""What Personalize says without its role or the bucket's word, and a file that vanishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import pytest

from recdrop.local.iam.operations import Need
from recdrop.local.iam.policy import Decision, Policy, Request
from tests.workflow.shop import ONE_SOLUTION, Shop, csv, purchases

PRIVILEGES = "CREATE FAILED: Insufficient privileges for accessing data in Amazon S3."


@contextmanager
def untrusting(shop: Shop) -> Iterator[None]:
    """The role of Personalize, trusting another account's jobs only."""
    principals = shop.stack.guard.principals
    [role] = [one for one in principals.roles() if one.trust.name == "PersonalizeRole.trust"]
    [statement] = role.trust.document["Statement"]
    condition = {"StringEquals": {"aws:SourceAccount": "666666666666"}}
    other = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": condition}]}
    principals.change(replace(role, trust=Policy(role.trust.name, other)))
    try:
        yield
    finally:
        principals.change(role)


@contextmanager
def unlisted(shop: Shop) -> Iterator[None]:
    """The work bucket without a word for Personalize."""
    guard, bucket = shop.stack.guard, f"arn:aws:s3:::{shop.stack.outputs['WorkBucketName']}"
    policy = guard.policy_of(bucket)
    guard.change(bucket, None)
    try:
        yield
    finally:
        guard.change(bucket, policy)


@pytest.mark.parametrize(("group", "world"), [("untrusted", untrusting), ("unlisted", unlisted)])
def test_an_import_that_may_not_read_ends_create_failed(
    shop: Shop, group: str, world: Callable[[Shop], AbstractContextManager[None]]
) -> None:
    with world(shop):
        shop.drop(
            {
                f"{group}/recdrop.toml": ONE_SOLUTION,
                f"{group}/interactions/orders.csv": csv(purchases()),
            }
        )
        report = shop.finish(group)
    assert report["status"] == "failed"
    assert PRIVILEGES in report["reason"]


def test_a_file_that_vanishes_is_told_from_a_forbidden_one(shop: Shop) -> None:
    key = "vanished/interactions/orders.csv"
    s3, bucket = shop.stack.boto_client("s3"), shop.stack.outputs["DropBucketName"]
    kept = shop.stack.guard.record

    def vanish(request: Request, decision: Decision) -> None:
        kept(request, decision)
        # The first that the function asks of the drop bucket is that file.
        if "NormaliseFiles" in (request.principal.session or "") and request.resource.endswith(key):
            s3.delete_object(Bucket=bucket, Key=key)

    shop.stack.guard.record = vanish
    shop.drop({"vanished/recdrop.toml": ONE_SOLUTION, key: csv(purchases())})
    try:
        report = shop.finish("vanished")
    finally:
        shop.stack.guard.record = kept
    assert report["status"] == "failed"
    assert "AccessDenied" not in report["reason"]
    assert "no longer in the bucket" in str(report)


@pytest.mark.parametrize("alarm", ["DeadLetterAlarm", "FailedRunAlarm"])
def test_an_alarm_reaches_the_topic_by_the_policies_of_topic_and_key_alone(
    shop: Shop, alarm: str
) -> None:
    guard = shop.stack.guard
    topic = shop.stack.outputs["RunTopicArn"]
    key = guard.place.arn("kms", f"key/{shop.stack.resources['TopicKey']}")
    source = guard.place.arn(
        "cloudwatch", f"alarm:recdrop-{alarm}-1A2B"
    )  # as CloudFormation names it

    def refusal() -> str | None:
        return guard.check_delivery("cloudwatch.amazonaws.com", source, Need("sns:Publish", topic))

    assert refusal() is None
    for resource in (topic, key):
        policy = guard.policy_of(resource)
        assert policy is not None
        guard.change(resource, None)
        try:
            assert "is not authorized to perform" in (refusal() or "")
        finally:
            guard.change(resource, policy)
