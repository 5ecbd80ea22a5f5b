"""Every error of chalicelib. Step Functions matches them by class name, so a rename is a change of
the ASL.

RecdropError
├── ResourcePending       try again later: Retry is the timer
├── LeaseHeld             another run has the group: Retry waits for it
├── Throttled             a service asked to slow down
├── ServiceUnavailable    a service failed, or could not be reached
├── LeaseLost             this run was believed dead and the group is another's: stop at once
├── ExportRejected        the data cannot be used; reasons are in quarantine
├── ResourceFailed        Personalize gave up; its failureReason is in the message
├── VerificationFailed    the updated campaign does not answer as its candidate did
├── ConfigurationError    the deployment or recdrop.toml is wrong
└── BadInput              a caller's mistake: HTTP 400
"""

from __future__ import annotations

from typing import Any


class RecdropError(Exception):
    """Base of all."""


class ResourcePending(RecdropError):
    """A resource is on its way. The message names it and its status."""


class LeaseHeld(RecdropError):
    """Another run holds the lease of the dataset group."""


class Throttled(RecdropError):
    """A service answered with a throttle after the client's own retries."""


class ServiceUnavailable(RecdropError):
    """A service answered with a 5xx, or not at all."""


class LeaseLost(RecdropError):
    """The fencing token is out of date."""


class ExportRejected(RecdropError):
    """The export set cannot be imported."""


class ResourceFailed(RecdropError):
    """A Personalize resource ended in a failed state."""


class VerificationFailed(RecdropError):
    """The campaign's answers differ from what was measured."""


class ConfigurationError(RecdropError):
    """Environment or group configuration."""


class BadInput(RecdropError):
    """A request that can never succeed as it stands."""


THROTTLES = frozenset({
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip


def code_of(error: BaseException) -> str:
    """The AWS error code of a botocore ClientError, "" for anything else.

    Needs no botocore import.
    """
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def message_of(error: BaseException) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Message", error))


def translate(error: Exception) -> Exception:
    """The same error under the name that the state machine retries; an error it should not retry as
    it came.
    """
    response: dict[str, Any] = getattr(error, "response", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code_of(error) in THROTTLES:
        return Throttled(str(error))
    if status >= 500 or _is_unreachable(error):
        return ServiceUnavailable(str(error))
    return error


def _is_unreachable(error: Exception) -> bool:
    names = {base.__name__ for base in type(error).__mro__}
    return bool(names & {"HTTPClientError", "ConnectionError", "EndpointConnectionError"})
