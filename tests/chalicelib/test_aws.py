"""The one translation of AWS errors, over the exceptions themselves."""

from __future__ import annotations

from typing import Any

import boto3.exceptions
import pytest
from botocore import exceptions
from botocore.exceptions import ClientError

from chalicelib import aws, errors


def refused(code: str, status: int = 400, message: str = "because") -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, errors.Throttled),
        ("LimitExceededException", 400, errors.Throttled),
        ("SlowDown", 503, errors.Throttled),
        ("SomethingNew", 429, errors.Throttled),
        ("ResourceNotFoundException", 400, errors.Missing),
        ("NoSuchKey", 404, errors.Missing),
        ("404", 404, errors.Missing),  # HeadObject has no body to tell a code
        ("ResourceInUseException", 400, errors.InUse),
        ("ResourceAlreadyExistsException", 400, errors.AlreadyExists),
        ("ExecutionAlreadyExists", 400, errors.AlreadyExists),
        ("ConditionalCheckFailedException", 400, errors.Changed),
        ("PreconditionFailed", 412, errors.Changed),
        ("InvalidInputException", 400, errors.Refused),
        ("AccessDenied", 403, errors.AccessDenied),
        ("AccessDeniedException", 400, errors.AccessDenied),
        ("InternalServerError", 500, errors.ServiceUnavailable),
        ("SomethingNew", 418, errors.AwsError),
    ],
)
def test_a_services_answer_is_told_by_what_can_be_done_about_it(
    code: str, status: int, kind: type[errors.AwsError]
) -> None:
    found = aws.translate(refused(code, status))
    assert type(found) is kind
    assert (found.code, found.message) == (code, "because")


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ReadTimeoutError(endpoint_url="http://x"),
        exceptions.ConnectTimeoutError(endpoint_url="http://x"),
        exceptions.ConnectionClosedError(endpoint_url="http://x"),
        exceptions.EndpointConnectionError(endpoint_url="http://x"),
        exceptions.ResponseStreamingError(error="cut"),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        exceptions.HTTPClientError(error="x"),
        boto3.exceptions.S3UploadFailedError("Failed to upload"),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_failed_on_the_wire_is_retried_though_it_has_no_response(error: Exception) -> None:
    assert isinstance(aws.translate(error), errors.ServiceUnavailable)


def test_a_refusal_behind_a_failed_upload_is_found() -> None:
    failed = boto3.exceptions.S3UploadFailedError("Failed to upload")
    failed.__context__ = refused("AccessDenied", 403)  # as boto3 raises it, in an except block
    assert isinstance(aws.translate(failed), errors.AccessDenied)


def test_a_request_that_botocore_refuses_is_not_retried() -> None:
    error = exceptions.ParamValidationError(report="bad")
    assert isinstance(aws.translate(error), errors.Refused)
    assert type(aws.translate(exceptions.NoCredentialsError())) is errors.AwsError


@pytest.mark.parametrize(
    "error", [KeyError("a"), errors.LeaseHeld("x"), errors.Throttled("a", "b")]
)
def test_other_errors_come_out_as_they_are(error: Exception) -> None:
    assert aws.translate(error) is error


def test_a_call_passes_arguments_and_keeps_the_cause() -> None:
    def operation(*, Bucket: str) -> str:
        if Bucket == "bad":
            raise refused("NoSuchBucket", 404)
        return Bucket

    assert aws.call(operation, Bucket="good") == "good"
    with pytest.raises(errors.AwsError, match="NoSuchBucket: because") as found:
        aws.call(operation, Bucket="bad")
    assert isinstance(found.value.__cause__, ClientError)
