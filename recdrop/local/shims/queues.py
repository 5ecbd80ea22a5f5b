"""SQS: messages are announced, queues have an address here."""

from __future__ import annotations

from typing import Any

from recdrop.local.shims.site import site


def announce_messages() -> None:
    """A new message wakes its poller, which else would have to ask 20 times a second."""
    from moto.sqs.models import Queue

    original = Queue.add_message

    def add_message(queue: Any, message: Any) -> None:
        original(queue, message)
        site().message_arrived(queue.name)

    Queue.add_message = add_message


def address_queues_here() -> None:
    """A queue of CloudFormation has an address at AWS; some SDKs, and curl, would really call it."""
    from moto.sqs.models import Queue

    def physical_resource_id(queue: Any) -> str:
        return f"{site().clients.endpoint}/{queue.account_id}/{queue.name}"

    Queue.physical_resource_id = property(physical_resource_id)
