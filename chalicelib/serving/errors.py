"""Errors with an HTTP status.

ApiError
├── BadRequest        400  the caller can repair it: names the argument, its value, what was
                      expected
├── NotFound          404  a name that is not known: says which are
├── NotReady          409  known, but not served yet
├── TooLarge          413
├── TooManyRequests   429  with Retry-After
├── Failed            500  a bug here, or a refusal that waiting does not cure
└── Unavailable       503  a part behind this one does not answer
"""

from __future__ import annotations

from typing import ClassVar


class ApiError(Exception):
    """An error that is safe to show: the message holds no stack trace and nothing of another
    caller.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "Failed"

    def __init__(self, message: str, *, retry_after: int | None = None, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details = details


class BadRequest(ApiError):
    status = 400
    code = "BadRequest"


class NotFound(ApiError):
    status = 404
    code = "NotFound"


class NotReady(ApiError):
    status = 409
    code = "NotReady"


class TooLarge(ApiError):
    status = 413
    code = "TooLarge"


class TooManyRequests(ApiError):
    status = 429
    code = "TooManyRequests"


class Failed(ApiError):
    status = 500
    code = "Failed"


class Unavailable(ApiError):
    status = 503
    code = "Unavailable"


def one_of(names: object) -> str:
    """`a, b, c`, sorted: how every message lists what it knows."""
    listed = (
        sorted(str(name) for name in names)
        if isinstance(names, (list, tuple, set, frozenset, dict))
        else [names]
    )
    return ", ".join(str(name) for name in listed) if listed else "(none)"
