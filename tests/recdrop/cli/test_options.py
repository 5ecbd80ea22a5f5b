"""What is said of a failure at AWS."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from recdrop.cli.common import UNREACHABLE
from recdrop.cli.options import PERMISSIONS, explain

DENIED = (
    "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
    "cloudformation:DescribeStacks on resource: x because no identity-based policy allows the "
    "cloudformation:DescribeStacks action"
)


@pytest.mark.parametrize(
    ("code", "message", "status", "told", "hint"),
    [
        ("AccessDenied", DENIED, 403, f"AWS does not allow it: {DENIED}", PERMISSIONS),
        ("AccessDeniedException", DENIED, 400, f"AWS does not allow it: {DENIED}", PERMISSIONS),
        ("ExpiredToken", "x", 403, "The AWS credentials have expired.", "sso login"),
        ("InvalidClientTokenId", "x", 403, "AWS does not know these credentials.", "AWS_PROFILE"),
        ("InternalFailure", "oh", 500, "AWS does not answer: oh", "Try again."),
        (
            "StateMachineDoesNotExist",
            "gone",
            400,
            "AWS refused: StateMachineDoesNotExist: gone",
            "",
        ),
    ],
)
def test_a_refusal_is_one_sentence_and_what_to_do(
    code: str, message: str, status: int, told: str, hint: str
) -> None:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    error = explain(ClientError(answer, "DescribeStacks"))  # type: ignore[arg-type]
    assert error is not None
    assert (error.message, error.exit_code) == (told, UNREACHABLE)
    assert hint in error.hint


def test_a_mistake_of_ours_is_not_explained_away() -> None:
    assert explain(KeyError("x")) is None
