"""Lists in pages: a token says after which place the next page begins."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from recdrop.personalize.errors import InvalidNextTokenError
from recdrop.service.resources.world import Doc, Request
from recdrop.service.wire.specification import Operation, member_of_kind

PAGE = 100  # documents, when the request does not say how many


def page(operation: Operation, request: Request, rows: list[tuple[int, Mapping[str, Any]]]) -> Doc:
    """One page of `rows` (place, document), in the list that the operation's answer has.

    The token of the next page is bound to the operation and its other parameters.

    Raises:
        InvalidNextTokenError: the request's token is not of this list.
    """
    assert operation.output is not None  # noqa: S101 - a List without an answer cannot be
    member, _ = member_of_kind(operation.output, "list")
    key = _page_key(operation, request)
    after = _read_token(request["nextToken"], key) if "nextToken" in request else 0
    size = request.get("maxResults", PAGE)
    left = [row for row in rows if row[0] > after]
    answer: dict[str, Any] = {member: [doc for _, doc in left[:size]]}
    if len(left) > size:
        last, _ = left[size - 1]
        answer["nextToken"] = base64.urlsafe_b64encode(f"{key}:{last}".encode()).decode()
    return answer


def _page_key(operation: Operation, request: Request) -> str:
    rest = {
        name: value for name, value in request.items() if name not in ("nextToken", "maxResults")
    }
    question = json.dumps([operation.name, rest], sort_keys=True)
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def _read_token(token: str, key: str) -> int:
    try:
        found, _, place = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if found == key:
            return int(place)
    except (ValueError, binascii.Error):
        pass
    raise InvalidNextTokenError.of(token)
