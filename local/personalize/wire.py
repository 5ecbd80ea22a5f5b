"""Bytes to validated requests and documents to bytes, both by the botocore shapes.

json-1.1 for the control plane (`X-Amz-Target`), rest-json for runtime and events (by path). An answer is the
*projection* of a document onto the output shape: members that the shape does not know stay inside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.personalize.errors import InvalidInputError, ServiceError, UnmodelledError
from local.personalize.specification import Operation, operations, operations_by_path
from local.personalize.validation import validate

TARGET_PREFIX = "AmazonPersonalize."
MAX_BODY = 6 * 1024 * 1024


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def find_operation(target: str | None, method: str, path: str) -> Operation | None:
    """The operation a request is for, or None when it is not for Personalize."""
    if target:
        return operations().get(target.removeprefix(TARGET_PREFIX)) if target.startswith(TARGET_PREFIX) else None
    return operations_by_path().get(path) if method == "POST" else None


def parse(operation: Operation, body: bytes) -> dict[str, Any]:
    """The validated request; explicit nulls are dropped, as the service treats them as absent."""
    try:
        value = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnmodelledError("SerializationException", f"The request body is not JSON: {error}") from error
    request = validate(value, operation.input)
    return {name: member for name, member in request.items() if member is not None}


def answer(operation: Operation, document: Mapping[str, Any], request_id: str) -> Reply:
    body = b"" if operation.output is None else json.dumps(project(operation.output, document)).encode()
    return Reply(200, (*_headers(operation, request_id), ("Content-Length", str(len(body)))), body)


def refuse(operation: Operation | None, error: ServiceError, request_id: str) -> Reply:
    status = operation.errors.get(error.code, error.status) if operation else error.status
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = (*_headers(operation, request_id), ("x-amzn-ErrorType", error.code), ("Content-Length", str(len(body))))
    return Reply(status, headers, body)


def project(shape: Shape, value: Any) -> Any:
    """`value` reduced to what `shape` carries; a float that is no number is left out by the caller."""
    if isinstance(shape, StructureShape):
        members = shape.members
        return {
            name: project(members[name], member)
            for name, member in value.items()
            if name in members and member is not None and not _is_nan(member)
        }
    if isinstance(shape, ListShape):
        return [project(shape.member, member) for member in value]
    if isinstance(shape, MapShape):
        return {key: project(shape.value, member) for key, member in value.items() if not _is_nan(member)}
    return value


def _headers(operation: Operation | None, request_id: str) -> tuple[tuple[str, str], ...]:
    json_type = "application/json" if operation and operation.path else "application/x-amz-json-1.1"
    return (("Content-Type", json_type), ("x-amzn-RequestId", request_id))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _refuse_constant(name: str) -> float:
    raise InvalidInputError(f"The request body holds {name}, which JSON does not have.")
