"""Bytes to validated requests and documents to bytes, both by the botocore shapes.

Two of AWS's protocols: json-1.1, where the header `X-Amz-Target` names the operation, and rest-json,
where the path does. An answer is the *projection* of a document onto the output shape: members that
the shape does not know stay inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from botocore.model import ListShape, MapShape, Shape, StructureShape

from recdrop.service.errors import ServiceError, UnmodelledError
from recdrop.service.wire.specification import Operation
from recdrop.service.wire.validation import validate

Projection = Callable[[Any], Any]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def json_reply(status: int, document: object) -> Reply:
    """A reply of our own, which no service of AWS gives."""
    body = msgspec.json.encode(document)
    return Reply(
        status, (("Content-Type", "application/json"), ("Content-Length", str(len(body)))), body
    )


def parse(
    operation: Operation, body: bytes, invalid: Callable[[str], ServiceError]
) -> dict[str, Any]:
    """The validated request, without its explicit nulls: AWS treats them as absent.

    Raises:
        UnmodelledError: SerializationException, when the body is not JSON.
        ServiceError: what `invalid` makes of a text, when the model does not allow the request.
    """
    try:
        value = msgspec.json.decode(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise UnmodelledError(
            "SerializationException", f"The request body is not JSON: {error}"
        ) from error
    request = validate(value, operation.input, invalid)
    return {name: member for name, member in request.items() if member is not None}


def answer(operation: Operation, document: Mapping[str, Any], request_id: str) -> Reply:
    """The reply that carries what the operation's output shape knows of `document`."""
    body = b""
    if operation.output is not None:
        body = msgspec.json.encode(project(operation.output, document))
    return Reply(200, (*_headers(operation, request_id), ("Content-Length", str(len(body)))), body)


def refuse(operation: Operation | None, error: ServiceError, request_id: str) -> Reply:
    """The reply that carries an error; `operation` is None when nobody knows what was asked."""
    # In rest-json the model says the status of each error.
    status = operation.errors.get(error.code, error.status) if operation else error.status
    body = msgspec.json.encode({"__type": error.code, "message": error.message})
    headers = (
        *_headers(operation, request_id),
        ("x-amzn-ErrorType", error.code),
        ("Content-Length", str(len(body))),
    )
    return Reply(status, headers, body)


def project(shape: Shape, value: Any) -> Any:
    """`value` reduced to what `shape` carries.

    Members without a value stay out, and so do floats that are no number: JSON has no NaN.
    """
    return _projection(shape)(value)


# Kept as closures per shape: to look at a shape for every value took most of an answer's time.
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
    if shape.type_name == "timestamp":
        return _to_the_millisecond
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


def _to_the_millisecond(seconds: float) -> float:
    """As AWS's services tell times."""
    return round(seconds, 3)


def _as_it_is(value: Any) -> Any:
    return value


def _headers(operation: Operation | None, request_id: str) -> tuple[tuple[str, str], ...]:
    json_type = "application/json" if operation and operation.path else "application/x-amz-json-1.1"
    return (("Content-Type", json_type), ("x-amzn-RequestId", request_id))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
