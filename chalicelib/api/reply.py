"""A payload with its status, and every failure as one: `{"error": {"code", "message"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.errors import AwsError, Refused, Throttled
from chalicelib.serving.errors import ApiError, BadRequest, TooManyRequests, Unavailable


@dataclass(frozen=True)
class Reply:
    """`payload` is anything that msgspec encodes; `headers` come beside those of every answer."""

    status: int
    payload: object
    headers: Mapping[str, str] = field(default_factory=dict)


def to_reply(error: ApiError) -> Reply:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    shown = {"code": error.code, "message": error.message, **error.details}
    return Reply(error.status, {"error": shown}, headers)


def from_aws_error(error: AwsError) -> ApiError:
    """A service's failure as a status: throttled 429, refused 400, anything else 503.

    Only a refusal shows the service's own words: they are about what the caller sent.
    """
    if isinstance(error, Throttled):
        return TooManyRequests(f"The service is overloaded ({error.code}).", retry_after=1)
    if isinstance(error, Refused):
        return BadRequest(f"The service refused the request: {error.message}")
    return Unavailable(f"The service does not answer ({error.code}).", retry_after=5)
