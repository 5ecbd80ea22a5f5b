"""Bytes to validated requests and documents to bytes, both by the botocore shapes.

json-1.1 for the control plane (`X-Amz-Target`), rest-json for runtime and events (by path). An
answer is the *projection* of a document onto the output shape: members that the shape does not know
stay inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from botocore.model import ListShape, MapShape, Shape, StructureShape

from recdrop.personalize.errors import ServiceError, UnmodelledError
from recdrop.personalize.specification import Operation, operations, operations_by_path
from recdrop.personalize.validation import validate

TARGET_PREFIX = "AmazonPersonalize."
Projection = Callable[[Any], Any]
MAX_BODY = 6 * 1024 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def find_operation(target: str | None, method: str, path: str) -> Operation | None:
    """The operation a request is for, or None when it is not for Personalize."""
    if target:
        return (
            operations().get(target.removeprefix(TARGET_PREFIX))
            if target.startswith(TARGET_PREFIX)
            else None
        )
    return operations_by_path().get(path) if method == "POST" else None


def parse(operation: Operation, body: bytes) -> dict[str, Any]:
    """The validated request; explicit nulls are dropped, as the service treats them as absent."""
    try:
        value = msgspec.json.decode(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise UnmodelledError(
            "SerializationException", f"The request body is not JSON: {error}"
        ) from error
    request = validate(value, operation.input)
    return {name: member for name, member in request.items() if member is not None}


def answer(operation: Operation, document: Mapping[str, Any], request_id: str) -> Reply:
    body = (
        b""
        if operation.output is None
        else msgspec.json.encode(project(operation.output, document))
    )
    return Reply(200, (*_headers(operation, request_id), ("Content-Length", str(len(body)))), body)


def refuse(operation: Operation | None, error: ServiceError, request_id: str) -> Reply:
    status = operation.errors.get(error.code, error.status) if operation else error.status
    body = msgspec.json.encode({"__type": error.code, "message": error.message})
    headers = (
        *_headers(operation, request_id),
        ("x-amzn-ErrorType", error.code),
        ("Content-Length", str(len(body))),
    )
    return Reply(status, headers, body)


def project(shape: Shape, value: Any) -> Any:
    """`value` reduced to what `shape` carries; members without a value, or with a float that is no
    number, stay out.
    """
    return _projection(shape)(value)


@cache
def _projection(shape: Shape) -> Projection:
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        member = _projection(shape.member)
        return lambda values: [member(value) for value in values]
    if isinstance(shape, MapShape):
        entry = _projection(shape.value)
        return lambda values: {
            key: entry(value) for key, value in values.items() if not _is_nan(value)
        }
    return _as_it_is


def _structure(shape: StructureShape) -> Projection:
    members = {name: _projection(member) for name, member in shape.members.items()}

    def reduced(values: Mapping[str, Any]) -> dict[str, Any]:
        found = ((name, value, members.get(name)) for name, value in values.items())
        return {
            name: member(value)
            for name, value, member in found
            if member and value is not None and not _is_nan(value)
        }

    return reduced


def _as_it_is(value: Any) -> Any:
    return value


def _headers(operation: Operation | None, request_id: str) -> tuple[tuple[str, str], ...]:
    json_type = "application/json" if operation and operation.path else "application/x-amz-json-1.1"
    return (("Content-Type", json_type), ("x-amzn-RequestId", request_id))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
