"""Each function signs with the credentials of its own role, though all share one process.

On AWS every function has an environment of its own. Here botocore asks this module for credentials
each time that it signs, and the answer depends on the function that runs at that moment. So a client
may be made once and shared: whoever uses it signs as himself. The application knows nothing of it.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials

from recdrop.local.lambdas.host import CURRENT

KeyOf = Callable[[str], str | None]
SECRET = "local"  # noqa: S105  nothing checks it # nosec B105


class InvocationCredentials(Credentials):
    """The credentials of the function that runs in this thread, or the developer's own."""

    def __init__(self, own: Any, key_of: KeyOf) -> None:
        super().__init__(own.access_key, own.secret_key, own.token, method="recdrop")
        self._own = own
        self._key_of = key_of

    def get_frozen_credentials(self) -> Any:
        """Asked for at every signature."""
        invocation = CURRENT.get()
        key = self._key_of(invocation[0]) if invocation else None
        if key is None:
            return self._own.get_frozen_credentials()
        return ReadOnlyCredentials(key, SECRET, SECRET)


class InvocationProvider(CredentialProvider):
    """What botocore asks first, when a session of boto3 looks for credentials."""

    METHOD = "recdrop"
    CANONICAL_NAME = "recdrop"

    def __init__(self, credentials: InvocationCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> InvocationCredentials:
        """The credentials, the same for every client."""
        return self._credentials


def sign_as_invoked(key_of: KeyOf) -> Callable[[], None]:
    """Give the process a default session of boto3 that signs as whatever function runs.

    `key_of` has the access key of a function's name. Returns what puts the old session back.
    """
    import boto3

    before = boto3.DEFAULT_SESSION
    session = botocore.session.get_session()
    boto3.setup_default_session(botocore_session=session)
    resolver = session.get_component("credential_provider")
    own = resolver.load_credentials()
    resolver.insert_before("env", InvocationProvider(InvocationCredentials(own, key_of)))

    def undo() -> None:
        boto3.DEFAULT_SESSION = before

    return undo


def inherit_invocations() -> Callable[[], None]:
    """Threads that a handler starts belong to its invocation: an upload in parts signs in such ones.

    Python does the same from 3.14 on, when asked to. Returns what puts the old `start` back.
    """
    original = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if CURRENT.get() is not None:
            context, run = contextvars.copy_context(), self.run
            self.run = lambda: context.run(run)  # type: ignore[method-assign]
        original(self)

    threading.Thread.start = start  # type: ignore[method-assign]

    def undo() -> None:
        threading.Thread.start = original  # type: ignore[method-assign]

    return undo
