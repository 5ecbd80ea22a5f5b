"""A call to Personalize within a request: bounded retries inside a deadline.

What AWS made of a call comes out as an AwsError (chalicelib/errors.py). For a caller four are told
apart:

    Throttled         slow down: 429, or the fallback
    Refused           the request is wrong and stays so: 400
    Missing           the campaign, filter or dataset is not there (yet): the fallback
    any other         a fault, a timeout or a missing permission: the fallback, or 503

The client's own retries are off (chalicelib/clients.py), or each attempt here would multiply them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import aws
from chalicelib.errors import AwsError, InUse, Missing, Refused, ServiceUnavailable, Throttled

ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.05
# A second wait of the same length would use up what the caller is willing to wait.
_NOT_WORTH_A_RETRY = frozenset({"ReadTimeoutError"})


@dataclass(frozen=True)
class Deadline:
    """A moment on `clock` (monotonic seconds) after which no further attempt starts."""

    clock: Callable[[], float]
    at: float

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        return cls(clock, clock() + seconds)

    @property
    def left(self) -> float:
        """Seconds; negative when it has passed."""
        return self.at - self.clock()


@dataclass(frozen=True)
class Caller:
    """Calls with retries. `sleep` takes seconds, `random` gives a number in [0, 1)."""

    sleep: Callable[[float], None]
    random: Callable[[], float]
    attempts: int = ATTEMPTS

    def call(
        self,
        operation: Callable[..., Mapping[str, Any]],
        arguments: Mapping[str, Any],
        deadline: Deadline,
    ) -> Any:
        """`operation(**arguments)`, tried up to `attempts` times with growing, jittered pauses.

        Raises:
            AwsError: the last failure, or ServiceUnavailable "DeadlineExceeded".
        """
        for attempt in range(1, self.attempts + 1):
            if deadline.left <= 0:
                raise no_time_left()
            try:
                return aws.call(operation, **arguments)
            except AwsError as error:
                failure = _missing_if_not_ready(error)
                # Full jitter: many callers that failed together do not come back together.
                pause = self.random() * FIRST_PAUSE_SECONDS * 2**attempt
                is_last = attempt == self.attempts or pause >= deadline.left
                if is_last or not self.is_worth_a_retry(failure):
                    raise failure from error.__cause__
                self.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def is_worth_a_retry(self, failure: AwsError) -> bool:
        """Whether the same call may succeed a moment later.

        Only what the service or the wire failed at: a missing permission, expired credentials or
        a refusal is the same a tenth of a second later.
        """
        passing = isinstance(failure, (Throttled, ServiceUnavailable))
        return passing and failure.code not in _NOT_WORTH_A_RETRY


def no_time_left() -> ServiceUnavailable:
    return ServiceUnavailable("DeadlineExceeded", "No time was left for the call.")


def _missing_if_not_ready(failure: AwsError) -> AwsError:
    """What the service is still making counts as not there: the caller cannot repair that.

    Personalize says it in two ways: ResourceInUseException, and an InvalidInputException "... is in
    status CREATE IN_PROGRESS. Expected ACTIVE".
    """
    is_not_active = isinstance(failure, Refused) and "ACTIVE" in failure.message
    if isinstance(failure, InUse) or is_not_active:
        return Missing(failure.code, failure.message)
    return failure
