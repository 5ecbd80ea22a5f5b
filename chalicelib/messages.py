"""What leaves the pipeline as a message: to people by the topic, to ourselves by the queue."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.aws import call

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

MAX_SUBJECT = 100  # characters, SNS's own; printable ASCII
MAX_MESSAGE = 60_000  # characters, of at most four bytes each: SNS takes 256 KiB
MAX_DELAY_SECONDS = 900  # SQS's own


@dataclass(frozen=True)
class Topic:
    client: SNSClient
    arn: str

    def tell(self, group: str, subject: str, message: str) -> None:
        """Whoever subscribed to the topic reads `recdrop <group>: <subject>`."""
        call(
            self.client.publish,
            TopicArn=self.arn,
            Subject=_printable(f"recdrop {group}: {subject}")[:MAX_SUBJECT],
            Message=_encodable(message)[:MAX_MESSAGE],
        )


def _printable(text: str) -> str:
    """SNS refuses other subjects, and names in them are what somebody called a folder."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _encodable(text: str) -> str:
    """Without halves of characters, which JSON can spell and nobody can send."""
    return text.encode(errors="replace").decode()


@dataclass(frozen=True)
class Queue:
    client: SQSClient
    url: str

    def look_again(self, group: str, seconds: float) -> None:
        """Asks ourselves to look at a group's arrivals, in `seconds` or as late as SQS can."""
        self._send({"look_again": group}, seconds)

    def hear_again(self, key: str, seconds: float) -> None:
        """Tells ourselves once more that an object has come, as late as above."""
        self._send({"hear_again": key}, seconds)

    def _send(self, message: dict[str, str], seconds: float) -> None:
        call(
            self.client.send_message,
            QueueUrl=self.url,
            MessageBody=json.dumps(message),
            DelaySeconds=min(MAX_DELAY_SECONDS, max(1, math.ceil(seconds))),
        )
