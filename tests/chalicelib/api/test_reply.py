"""Failures as replies."""

from __future__ import annotations

from chalicelib.api.reply import Reply, from_aws_error, to_reply
from chalicelib.errors import AccessDenied, Refused, Throttled
from chalicelib.serving.errors import BadRequest, TooManyRequests


def test_an_error_has_its_status_its_code_and_its_message() -> None:
    assert to_reply(BadRequest("No.")) == Reply(
        400, {"error": {"code": "BadRequest", "message": "No."}}
    )


def test_an_error_that_passes_says_when_to_come_again_and_what_was_done() -> None:
    reply = to_reply(TooManyRequests("Slow.", retry_after=7, accepted=3))
    assert reply.headers == {"Retry-After": "7"}
    assert reply.payload == {
        "error": {"code": "TooManyRequests", "message": "Slow.", "accepted": 3}
    }


def test_only_a_refusal_shows_the_services_own_words() -> None:
    assert from_aws_error(Refused("Code", "userId is too long")).message.endswith("too long")
    for kind in (Throttled, AccessDenied):
        error = from_aws_error(kind("Code", "arn:aws:iam::123456789012:role/secret"))
        assert "secret" not in error.message
        assert "(Code)" in error.message
        assert error.retry_after is not None
