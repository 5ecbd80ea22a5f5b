"""What the verbs of chalicelib/personalize share: the clients, the ARNs, the service's role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.personalize.arns import Arns

if TYPE_CHECKING:
    from mypy_boto3_personalize import PersonalizeClient
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient

State = Mapping[str, Any]  # a Describe call's answer: the service's own document


@dataclass(frozen=True)
class Calls:
    """`role_arn` is what Personalize reads and writes the work bucket as."""

    client: PersonalizeClient
    runtime: PersonalizeRuntimeClient
    arns: Arns
    role_arn: str
