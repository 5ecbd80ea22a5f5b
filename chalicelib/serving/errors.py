"""What a caller is told when there is no answer, each with its HTTP status.

    ApiError
    ├── BadRequest        400  the caller can repair it: names the argument and what was expected
    ├── Forbidden         403  the key is of other routes, or the web page is not allowed
    ├── NotFound          404  a name that is not known: says which are
    ├── NotReady          409  known, but not served yet
    ├── TooLarge          413
    ├── TooManyRequests   429  with Retry-After
    ├── Failed            500  a bug here, or a deployment that is not complete
    └── Unavailable       503  a part behind this one does not answer

These are for people and for Snowflake; what the state machine matches is in chalicelib/errors.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class ApiError(Exception):
    """An error that is safe to show: no stack trace, nothing of another caller.

    `retry_after` is in seconds. `details` stand beside code and message in the answer.
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


class Forbidden(ApiError):
    status = 403
    code = "Forbidden"


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


def one_of(names: Iterable[object]) -> str:
    """`a, b, c`, sorted: how every message lists what it knows."""
    return ", ".join(sorted(str(name) for name in names)) or "(none)"
