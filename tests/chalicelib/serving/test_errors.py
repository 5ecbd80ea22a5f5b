"""What a caller is told."""

from __future__ import annotations

import pytest

from chalicelib.serving import errors


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.BadRequest, 400),
        (errors.NotFound, 404),
        (errors.NotReady, 409),
        (errors.TooLarge, 413),
        (errors.TooManyRequests, 429),
        (errors.Failed, 500),
        (errors.Unavailable, 503),
    ],
)
def test_each_error_has_its_status_and_its_own_name_as_code(
    kind: type[errors.ApiError], status: int
) -> None:
    assert (kind.status, kind.code) == (status, kind.__name__)


def test_known_names_are_listed_in_order() -> None:
    assert errors.one_of({"b": 1, "a": 2}) == "a, b"
    assert errors.one_of(()) == "(none)"
