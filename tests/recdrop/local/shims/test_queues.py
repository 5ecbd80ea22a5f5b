"""The gaps of moto's SQS."""

from __future__ import annotations

from recdrop.local.shims.site import site as served_site
from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually
from tests.recdrop.local.shims.drops import drop, make_queue, receive, run_of


def test_a_message_wakes_its_poller_at_once(stack: Stack) -> None:
    heard: list[str] = []
    site = served_site()
    site.message_arrived, before = heard.append, site.message_arrived
    url, _ = make_queue(stack)
    stack.boto_client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    site.message_arrived = before
    assert heard == [url.rsplit("/", 1)[-1]]


def test_queue_addresses_lead_to_this_stack(stack: Stack) -> None:
    assert stack.outputs["InboxUrl"].startswith(stack.aws_url)


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
