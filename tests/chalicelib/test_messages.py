from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.messages import MAX_DELAY_SECONDS, MAX_SUBJECT, Queue, Topic
from tests.chalicelib.town import Town


def test_people_are_told_about_a_group(town: Town) -> None:
    town.context.topic.tell("shop", "for-you promoted", "all of it")
    assert town.told() == ["recdrop shop: for-you promoted"]


def test_a_subject_is_cut_to_what_sns_takes(town: Town) -> None:
    town.context.topic.tell("shop", "x" * 200, "all of it")
    assert [len(subject) for subject in town.told()] == [MAX_SUBJECT]


class Told:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def publish(self, **arguments: Any) -> None:
        self.sent.append(arguments)


def test_what_sns_does_not_take_is_replaced_and_not_refused() -> None:
    client: Any = Told()
    Topic(client, "arn").tell("caf\u00e9\n", "a\x00b", "\ud800" + "\U0001f600" * 100_000)
    [sent] = client.sent
    assert sent["Subject"] == "recdrop caf??: a?b"
    assert sent["Message"].startswith("?\U0001f600")
    assert len(sent["Message"].encode()) <= 256 * 1024


class Kept:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **arguments: Any) -> None:
        self.sent.append(arguments)


@pytest.mark.parametrize(
    ("seconds", "delay"), [(0.2, 1), (-5, 1), (59.1, 60), (4_000, MAX_DELAY_SECONDS)]
)
def test_a_look_is_put_off_by_what_sqs_can(seconds: float, delay: int) -> None:
    client: Any = Kept()
    Queue(client, "url").look_again("shop", seconds)
    [sent] = client.sent
    assert sent["DelaySeconds"] == delay
    assert json.loads(sent["MessageBody"]) == {"look_again": "shop"}
