"""Calls to AWS, whose failures come out as ours: the one translation of botocore's exceptions.

botocore raises ClientError with the service's answer, and many exceptions without one (a timeout, a
closed connection, half a body), whose `response` is None or absent. Boto3 adds its own for uploads.
All of the second kind are transport failures, which a retry may cure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from chalicelib import errors
from chalicelib.errors import AwsError

P = ParamSpec("P")
R = TypeVar("R")

# Codes of all services that we use; what is not here is told apart by the HTTP status.
_BY_CODE: Mapping[type[AwsError], frozenset[str]] = {
    errors.Throttled: frozenset(
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
        }
    ),
    errors.Missing: frozenset(
        {"404", "ExecutionDoesNotExist", "NoSuchKey", "NotFound", "ResourceNotFoundException"}
    ),
    errors.InUse: frozenset({"ResourceInUseException"}),
    errors.AlreadyExists: frozenset({"ExecutionAlreadyExists", "ResourceAlreadyExistsException"}),
    errors.Changed: frozenset(
        {
            "412",
            "ConditionalCheckFailedException",
            "ConditionalRequestConflict",
            "PreconditionFailed",
        }
    ),
    errors.Refused: frozenset(
        {"InvalidInputException", "ParamValidationError", "ValidationException"}
    ),
    errors.AccessDenied: frozenset(
        {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError"}
    ),
}
_CLASS_OF = {code: kind for kind, codes in _BY_CODE.items() for code in codes}
# Roots, by name, of what botocore, boto3 and urllib3 raise when the wire failed. By name, so that this
# module imports none of them: every Lambda imports it, and boto3 takes half a second.
_TRANSPORT = frozenset(
    {
        "ConnectionError",
        "FlexibleChecksumError",
        "HTTPClientError",
        "HTTPError",
        "IncompleteReadError",
        "ResponseStreamingError",
        "RetriesExceededError",
        "S3UploadFailedError",
        "TimeoutError",
    }
)
_BOTO = frozenset({"BotoCoreError", "Boto3Error", "ClientError"})


def call(operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`operation(*args, **kwargs)`.

    Raises:
        AwsError: what AWS, or the way to it, made of the call. Other exceptions come out as they are.
    """
    try:
        return operation(*args, **kwargs)
    except Exception as error:
        translated = translate(error)
        if translated is error:
            raise
        raise translated from error


def translate(error: Exception) -> Exception:
    """The AwsError of an exception that boto3 or botocore raised; any other exception as it came."""
    names = {base.__name__ for base in type(error).__mro__}
    if isinstance(error, AwsError) or not names & (_BOTO | _TRANSPORT):
        return error
    # An upload in parts hides the service's refusal behind an exception of its own.
    if "S3UploadFailedError" in names and isinstance(error.__context__, Exception):
        inner = translate(error.__context__)
        if isinstance(inner, AwsError):
            return inner
    answer = getattr(error, "response", None) or {}
    details = answer.get("Error", {}) if isinstance(answer, dict) else {}
    code = str(details.get("Code") or type(error).__name__)
    message = str(details.get("Message") or error)
    return _class_of(code, _status(answer), names)(code, message)


def _class_of(code: str, status: int, names: set[str]) -> type[AwsError]:
    if code in _CLASS_OF:
        return _CLASS_OF[code]
    if status == 429:
        return errors.Throttled
    if status >= 500 or names & _TRANSPORT:
        return errors.ServiceUnavailable
    return AwsError


def _status(answer: Any) -> int:
    metadata = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
    return int(metadata.get("HTTPStatusCode") or 0)
