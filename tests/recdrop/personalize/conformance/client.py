"""A client of the bytes: raw requests into the WSGI server, answers read by botocore's own parsers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import HeadersDict
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser

from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.wire.specification import Operation, service_model

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    parsed: Mapping[str, Any]

    @property
    def code(self) -> str | None:
        """The error's code, None when there is none."""
        code: str | None = self.parsed.get("Error", {}).get("Code")
        return code

    @property
    def message(self) -> str:
        return str(self.parsed.get("Error", {}).get("Message", ""))


class RefusedError(AssertionError):
    """An operation that should have succeeded was refused."""


class Client:
    def __init__(self, server: Wsgi) -> None:
        self._server = server

    def send(self, name: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """One request, valid or not, and what botocore makes of the answer."""
        operation = PERSONALIZE.operations[name]
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, received, content = self._exchange(_environ(operation, payload, headers or {}))
        response = {"status_code": status, "headers": HeadersDict(received), "body": content}
        protocol = service_model(operation.service).metadata["protocol"]
        parsed = create_parser(protocol).parse(response, operation.output)  # type: ignore[arg-type] # botocore takes None
        return Answer(status, content, parsed)

    def call(self, name: str, /, **members: Any) -> Mapping[str, Any]:
        """A request that has to succeed.

        Every member of the answer must be in the model, with its type.
        """
        answer = self.send(name, members)
        if answer.status != 200:
            raise RefusedError(f"{name} answered {answer.status} {answer.code}: {answer.message}")
        output = PERSONALIZE.operations[name].output
        misfits = list(unmodelled(output, json.loads(answer.body), name)) if output else []
        if misfits:
            raise RefusedError(f"{name} answers what the model does not have: {misfits}")
        return answer.parsed

    def _exchange(self, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: object = None
        ) -> Callable[[bytes], object]:
            started.append((int(status.split()[0]), headers))
            return lambda _: None

        content = b"".join(self._server(environ, start_response))
        return (*started[0], content)


def unmodelled(shape: Shape, value: Any, where: str) -> Iterable[str]:
    """Places in a JSON answer that the output shape does not describe."""
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            if name in shape.members:
                yield from unmodelled(shape.members[name], member, f"{where}.{name}")
            else:
                yield f"{where}.{name}"
    elif isinstance(shape, ListShape):
        for member in value:
            yield from unmodelled(shape.member, member, f"{where}[]")
    elif isinstance(shape, MapShape):
        for member in value.values():
            yield from unmodelled(shape.value, member, f"{where}{{}}")
    elif not isinstance(value, _PYTHON_TYPES[shape.type_name]):
        yield f"{where} is {value!r}, not a {shape.type_name}"


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
}


def _environ(operation: Operation, payload: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    is_json = operation.path is None
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": operation.path or "/",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(payload)),
        "CONTENT_TYPE": "application/x-amz-json-1.1" if is_json else "application/json",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(payload),
        "wsgi.errors": io.StringIO(),
    }
    if is_json:
        environ["HTTP_X_AMZ_TARGET"] = f"AmazonPersonalize.{operation.name}"
    return environ | {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()
    }
