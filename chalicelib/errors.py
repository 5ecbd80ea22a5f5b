"""Every error of chalicelib but HTTP's. Step Functions matches them by class name, so a rename is a
change of the state machine.

    RecdropError
    ├── ResourcePending       try again later: Retry is the timer
    ├── LeaseHeld             another run has the group: Retry waits for it
    ├── LeaseLost             this run was believed dead and the group is another's: stop at once
    ├── ExportRejected        the data cannot be used; reasons are in quarantine
    │   └── ExportHeld        it would take too much away; `recdrop accept` lets it through
    ├── NotHeld               there is no held export that could be accepted
    ├── ResourceFailed        Personalize gave up; its failureReason is in the message
    ├── VerificationFailed    the updated campaign does not answer as its candidate did
    ├── ConfigurationError    the deployment or recdrop.toml is wrong
    ├── DocumentUnreadable    a stored document is of another version, or damaged
    └── AwsError              a call to AWS failed (translated by chalicelib/aws.py)
        ├── Throttled             slow down
        ├── ServiceUnavailable    the service failed, or could not be reached
        ├── Missing               what the call is about is not there (yet)
        ├── InUse                 it is being made or changed
        ├── AlreadyExists         somebody made it before
        ├── Changed               a condition of the call does not hold (any more)
        ├── Refused               the request is wrong and stays so
        └── AccessDenied          a policy is missing: waiting does not cure it
"""

from __future__ import annotations

MAX_SHOWN = 200  # characters of a value in a message


def shown(value: object, limit: int = MAX_SHOWN) -> str:
    """A value in a message, whatever somebody wrote: cut, and never an error of its own."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of 5,000 digits, lists within lists
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= limit else f"{text[:limit]}..."


class RecdropError(Exception):
    """Base of all."""


class ResourcePending(RecdropError):
    """A resource is on its way. The message names it and its status."""


class LeaseHeld(RecdropError):
    """Another run holds the lease of the dataset group."""


class LeaseLost(RecdropError):
    """The fencing token is out of date."""


class ExportRejected(RecdropError):
    """The export set cannot be imported."""


class ExportHeld(ExportRejected):
    """The export lacks what it should have, or what the group has now: somebody must accept it."""


class NotHeld(RecdropError):
    """A run whose export nobody holds."""


class ResourceFailed(RecdropError):
    """A Personalize resource ended in a failed state."""


class VerificationFailed(RecdropError):
    """The campaign's answers differ from what was measured."""


class ConfigurationError(RecdropError):
    """Environment or group configuration."""


class DocumentUnreadable(RecdropError):
    """A stored document that this version cannot read; the message says what to do."""


class AwsError(RecdropError):
    """`code` is the service's or botocore's name of the failure, `message` its own words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Throttled(AwsError):
    """A service answered with a throttle after the client's own retries."""


class ServiceUnavailable(AwsError):
    """A service answered with a 5xx, half an answer, or none."""


class Missing(AwsError):
    """The resource, object or item that the call names is not there."""


class InUse(AwsError):
    """The resource is being created, changed or deleted."""


class AlreadyExists(AwsError):
    """The name is taken."""


class Changed(AwsError):
    """A conditional call came too late: what it names is no longer as it was."""


class Refused(AwsError):
    """The service, or botocore before it, does not take the request."""


class AccessDenied(AwsError):
    """The caller's policies do not allow the call."""
