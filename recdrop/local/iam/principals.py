"""Who signs: access keys, and the principals that they stand for.

A session of a role has a key of its own, made from the role and the session's name, so that a
function is recognised by what it signs with. AWS's services sign with their name as the key.
Every other key is the developer's, who is an administrator.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recdrop.local.iam.policy import Policy, Principal

# The scope of a signature: KEY/DATE/REGION/SERVICE/aws4_request.
CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
SERVICE_KEY = re.compile(r"[a-z0-9.-]+\.amazonaws\.com")


@dataclass(frozen=True)
class Role:
    """A role of the stack: what it may do, and who may assume it."""

    arn: str
    policies: tuple[Policy, ...]
    trust: Policy

    @property
    def account(self) -> str:
        """The account in its ARN."""
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Caller:
    """Whom a key stands for.

    `behind` is the service that works through the session of a role: resources have to trust it
    too. `told` are the condition keys that come with it.
    """

    principal: Principal
    policies: tuple[Policy, ...] = ()
    behind: Principal | None = None
    told: Mapping[str, str] = field(default_factory=dict)


class Principals:
    """The roles of a stack and the sessions that they have."""

    def __init__(self, roles: Iterable[Role] = ()) -> None:
        self._roles = {role.arn: role for role in roles}
        self._callers: dict[str, Caller] = {}
        self.version = 0  # grows with each change

    def roles(self) -> list[Role]:
        """All roles."""
        return list(self._roles.values())

    def role(self, arn: str) -> Role | None:
        """The role of an ARN."""
        return self._roles.get(arn)

    def change(self, role: Role) -> None:
        """Give a role other policies; its sessions have them at once."""
        self._roles[role.arn] = role
        self.version += 1

    def open_session(
        self,
        role_arn: str,
        session: str,
        behind: Principal | None = None,
        told: Mapping[str, str] | None = None,
    ) -> str:
        """The access key of a session of a role.

        Raises:
            LookupError: the stack has no such role.
        """
        if role_arn not in self._roles:
            raise LookupError(f"There is no role {role_arn!r} in this stack.")
        account = self._roles[role_arn].account
        key = session_key(role_arn, session)
        principal = Principal(role_arn, account, session)
        self._callers[key] = Caller(principal, (), behind, told or {})
        return key

    def find(self, key: str) -> Caller | None:
        """Whom a key stands for; None for the developer's."""
        if SERVICE_KEY.fullmatch(key):
            return Caller(Principal("", "", None, key))
        caller = self._callers.get(key)
        if caller is None:
            return None
        policies = self._roles[caller.principal.arn].policies
        return Caller(caller.principal, policies, caller.behind, caller.told)


def session_key(role_arn: str, session: str) -> str:
    """An access key in the form of a session's."""
    digest = hashlib.sha256(f"{role_arn}/{session}".encode()).digest()
    return "ASIA" + base64.b32encode(digest).decode()[:16]


def signer(authorization: str) -> tuple[str, str, str] | None:
    """Access key, region and service of an Authorization header; None when nobody signed."""
    found = CREDENTIAL.search(authorization)
    return (found[1], found[2], found[3].lower()) if found else None
