"""Calls to Personalize's runtime: bounded retries inside a deadline, and failures by what can be
done about them.

    CallError
    ├── Throttled     slow down: 429, or the fallback
    ├── Refused       the request is wrong and stays so: 400
    ├── Missing       the campaign, filter or dataset is not there (yet): the fallback
    └── Broken        a fault or a timeout behind the endpoint: the fallback, or 503

The client's own retries are to be off (`total_max_attempts=1`), or each attempt here multiplies
them. botocore's exceptions are imported when one is looked for, never with this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.05

_THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    },
)
_REFUSALS = frozenset({"InvalidInputException", "ValidationException", "ParamValidationError"})
_MISSING = frozenset({"ResourceNotFoundException", "ResourceInUseException"})
_NOT_WORTH_A_RETRY = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ReadTimeoutError",
        "UnrecognizedClientException",
    },
)


class CallError(Exception):
    """A call that did not succeed. `code` is the service's or botocore's name of the failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Throttled(CallError):
    pass


class Refused(CallError):
    pass


class Missing(CallError):
    pass


class Broken(CallError):
    pass


class RuntimeClient(Protocol):
    """What is used of boto3's personalize-runtime client."""

    def get_recommendations(self, **arguments: Any) -> Mapping[str, Any]: ...

    def get_personalized_ranking(self, **arguments: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Deadline:
    """A moment on `clock` after which no further attempt starts."""

    clock: Callable[[], float]
    at: float

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        return cls(clock, clock() + seconds)

    @property
    def left(self) -> float:
        return self.at - self.clock()


@dataclass(frozen=True)
class Caller:
    """Calls with retries. `sleep` and `random` (uniform in [0, 1)) are injected."""

    sleep: Callable[[float], None]
    random: Callable[[], float]
    attempts: int = ATTEMPTS

    def call(
        self,
        operation: Callable[..., Mapping[str, Any]],
        arguments: Mapping[str, Any],
        deadline: Deadline,
    ) -> Any:
        """`operation(**arguments)`, tried up to `attempts` times with full jitter.

        Raises CallError.
        """
        for attempt in range(1, self.attempts + 1):
            if deadline.left <= 0:
                raise Broken("DeadlineExceeded", "No time was left for the call.")
            try:
                return operation(**arguments)
            except service_errors() as error:
                failure = classify(error)
                pause = self.random() * FIRST_PAUSE_SECONDS * 2**attempt
                if (
                    attempt == self.attempts
                    or not self.is_worth_a_retry(failure)
                    or pause >= deadline.left
                ):
                    raise failure from error
                self.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def is_worth_a_retry(self, failure: CallError) -> bool:
        return isinstance(failure, (Throttled, Broken)) and failure.code not in _NOT_WORTH_A_RETRY


def service_errors() -> tuple[type[Exception], ...]:
    """The two roots of what a boto3 client raises."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def classify(error: Exception) -> CallError:
    """A botocore exception as the CallError that says what can be done about it."""
    response = getattr(error, "response", None)
    details = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(details.get("Code") or type(error).__name__)
    message = str(details.get("Message") or error)
    status = (
        response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if isinstance(response, dict)
        else None
    )
    if code in _THROTTLES or status == 429:
        return Throttled(code, message)
    # "... is in status CREATE IN_PROGRESS. Expected ACTIVE": not the caller's to repair.
    if code in _MISSING or (code in _REFUSALS and "ACTIVE" in message):
        return Missing(code, message)
    if code in _REFUSALS:
        return Refused(code, message)
    return Broken(code, message)
