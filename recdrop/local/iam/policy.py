"""Policies, requests and decisions: what goes into the judge, and what comes out.

A policy document is read into statements when it is judged. What AWS would not have stored is
refused here, so that a typing mistake in a template is not taken for "matches nothing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

VERSIONS = ("2008-10-17", "2012-10-17")
DEFAULT_VERSION = "2008-10-17"
ELEMENTS = {
    "Sid",
    "Effect",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Principal",
    "NotPrincipal",
    "Condition",
}
Values = str | Sequence[str]


class PolicyError(ValueError):
    """A policy document cannot be evaluated. The message names the policy and the statement."""


@dataclass(frozen=True)
class Policy:
    """A policy document and what it is called: "train", or "WorkBucketPolicy"."""

    name: str
    document: Mapping[str, Any]

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements, in their order; read once, since each call of a role is judged.

        Raises:
            PolicyError: AWS would not have stored this document.
        """
        return read_statements(self)


@dataclass(frozen=True)
class Principal:
    """Who asks: a role or user by its ARN, with the session's name, or a service by its name.

    A service such as "events.amazonaws.com" has no ARN and no identity-based policy.
    """

    arn: str
    account: str
    session: str | None = None
    service: str | None = None

    @property
    def session_arn(self) -> str | None:
        """The ARN that AWS writes into its refusals; None for users and services."""
        if self.session is None:
            return None
        partition = self.arn.split(":")[1]
        role = self.arn.rpartition("/")[2]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{role}/{self.session}"

    @property
    def root(self) -> str:
        """The ARN that stands for the whole account in a `Principal` element."""
        partition = self.arn.split(":")[1] if self.arn else "aws"
        return f"arn:{partition}:iam::{self.account}:root"


@dataclass(frozen=True)
class Request:
    """One action on one resource. A call that names several resources is several requests."""

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, Values]


@dataclass(frozen=True)
class Decision:
    """Whether AWS would allow the request, why, and which statement decided.

    `by` is the policy's name and the statement's Sid, or its place ("#0") when it has none.
    It is None when nothing allows the request.
    """

    allowed: bool
    reason: str
    by: tuple[str, str] | None


@dataclass(frozen=True)
class Statement:
    """One statement of a policy. An element that it has not is None."""

    policy: str
    label: str
    variables: bool
    effect: Literal["Allow", "Deny"]
    action: tuple[str, ...] | None
    not_action: tuple[str, ...] | None
    resource: tuple[str, ...] | None
    not_resource: tuple[str, ...] | None
    principal: Mapping[str, tuple[str, ...]] | None
    not_principal: Mapping[str, tuple[str, ...]] | None
    condition: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def by(self) -> tuple[str, str]:
        """What a decision says of this statement."""
        return self.policy, self.label


def read_statements(policy: Policy) -> list[Statement]:
    """The statements of a policy, in their order.

    Raises:
        PolicyError: AWS would not have stored this document.
    """
    version = policy.document.get("Version", DEFAULT_VERSION)
    if version not in VERSIONS:
        raise PolicyError(
            f"Policy {policy.name!r} has Version {version!r}. Expected one of {VERSIONS}."
        )
    listed = policy.document["Statement"]
    if isinstance(listed, Mapping):
        listed = [listed]
    return [
        read_statement(policy.name, place, document, variables=version == "2012-10-17")
        for place, document in enumerate(listed)
    ]


def read_statement(
    policy: str, place: int, document: Mapping[str, Any], *, variables: bool
) -> Statement:
    """One statement, checked.

    Raises:
        PolicyError: an element is unknown, missing, or excludes another.
    """
    label = document.get("Sid") or f"#{place}"
    where = f"Statement {label!r} of policy {policy!r}"
    if unknown := document.keys() - ELEMENTS:
        raise PolicyError(
            f"{where} has element {min(unknown)!r}. Expected one of {sorted(ELEMENTS)}."
        )
    if document.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(
            f"{where} has Effect {document.get('Effect')!r}. Expected 'Allow' or 'Deny'."
        )
    if ("Action" in document) == ("NotAction" in document):
        raise PolicyError(f"{where}: expected either Action or NotAction.")
    for element in ("Resource", "Principal"):
        if element in document and f"Not{element}" in document:
            raise PolicyError(f"{where} has {element} and Not{element}. Expected one of them.")
    return Statement(
        policy=policy,
        label=label,
        variables=variables,
        effect=document["Effect"],
        action=texts(document.get("Action")),
        not_action=texts(document.get("NotAction")),
        resource=texts(document.get("Resource")),
        not_resource=texts(document.get("NotResource")),
        principal=principals(document.get("Principal")),
        not_principal=principals(document.get("NotPrincipal")),
        condition={
            operator: {key: texts(value) or () for key, value in keys.items()}
            for operator, keys in document.get("Condition", {}).items()
        },
    )


def texts(value: Any) -> tuple[str, ...] | None:
    """One value or a list of them as texts: JSON's true is IAM's "true", its 5 is "5"."""
    if value is None:
        return None
    values = [value] if isinstance(value, str | bool | int | float) else value
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)


def principals(value: Any) -> Mapping[str, tuple[str, ...]] | None:
    """A Principal element by kind (AWS, Service, ...). "*" is everyone, as {"AWS": "*"} is."""
    if value is None:
        return None
    if value == "*":
        return {"AWS": ("*",)}
    return {kind: texts(names) or () for kind, names in value.items()}
