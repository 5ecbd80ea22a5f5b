"""The stack that moto's globals serve at the moment.

moto keeps its state in module globals, so its shims are global too: they are put in place once per
process, and ask here which stack they work for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from recdrop.local.aws.clients import Clients
from recdrop.local.iam.guard import Guard
from recdrop.local.lambdas.host import LambdaHost
from recdrop.local.shims.clock import Clock


@dataclass
class Site:
    """What the shims need of a stack. `lock` is the one that guards moto's state.

    `clock_of` says by which clock a state machine waits, given its ARN. `guard` judges what AWS's
    services do by themselves; `clients` sign as the developer.
    """

    clients: Clients
    lambdas: LambdaHost
    clock_of: Callable[[str], Clock]
    lock: threading.RLock
    guard: Guard
    message_arrived: Callable[[str], None] = field(default=lambda _queue: None)
    _of_roles: dict[str, Clients] = field(default_factory=dict)

    def clients_of(self, role: str) -> Clients:
        """Clients that sign as a role of the stack; a role that it does not have is the developer's."""
        if self.guard.principals.role(role) is None:
            return self.clients
        if role not in self._of_roles:
            key = self.guard.principals.open_session(role, "StepFunctions")
            self._of_roles[role] = Clients(self.clients.endpoint, key)
        return self._of_roles[role]


_site: Site | None = None


def site() -> Site:
    """The stack served now."""
    if _site is None:
        raise RuntimeError("No local stack is running in this process.")
    return _site


def served() -> Site | None:
    """The stack served now, if there is one: threads of a stopped stack may still ask."""
    return _site


def serve(new_site: Site | None) -> None:
    """Serve `new_site` from now on."""
    global _site
    _site = new_site
