"""What the verbs of chalicelib/personalize share: the clients, the ARNs, the service's role."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.personalize.arns import Arns
from chalicelib.personalize.ensure import Memory, ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_events import PersonalizeEventsClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient


@dataclass(frozen=True)
class Calls:
    """`role_arn` is what Personalize reads and writes the work bucket as.

    `memory` holds what the run has asked for: what else failed was left over by an earlier one.
    """

    client: PersonalizeClient
    runtime: PersonalizeRuntimeClient
    events: PersonalizeEventsClient
    arns: Arns
    role_arn: str
    memory: Memory = field(default_factory=ShortMemory)
