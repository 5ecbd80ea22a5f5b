"""A small right external function, and how to make it wrong in one way."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

Rows = list[list[Any]]
CALLS = count()


class Right:
    """`[n, user, size, options]` gives `[n, {"of": user}]`; the methods are what can go wrong."""

    arity = 3

    def value(self, row: list[Any], _rows: Rows) -> Any:
        return None if row[1] is None else {"of": str(row[1])[:9]}

    def numbered(self, rows: Rows) -> Rows:
        return [[row[0], self.value(row, rows)] for row in rows]

    def encode(self, data: Rows) -> bytes:
        return json.dumps({"data": data}).encode()

    def poll(self, _request: Request) -> Response:
        return Response("{}", 404)

    def refuse(self) -> Response:
        return Response('{"error": "bad"}', 400)

    def post(self, request: Request, body: bytes) -> Response:
        try:
            rows = json.loads(body)["data"]
            if not all(len(row) == self.arity + 1 for row in rows):
                return self.refuse()
        except (ValueError, TypeError, KeyError):
            return self.refuse()
        return self.respond(request, self.encode(self.numbered(rows)))

    def respond(self, _request: Request, body: bytes) -> Response:
        return Response(body, 200, content_type="application/json")

    def unpack(self, body: bytes) -> bytes:
        return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body

    def answer(self, request: Request) -> Response:
        if request.method == "GET":
            return self.poll(request)
        return self.post(request, self.unpack(request.get_data()))

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)


class Renumbers(Right):
    def numbered(self, rows: Rows) -> Rows:
        return [[place, self.value(row, rows)] for place, row in enumerate(rows)]


class DropsRows(Right):
    def numbered(self, rows: Rows) -> Rows:
        return super().numbered(rows)[:100]


class FailsOnEmpty(Right):
    def numbered(self, rows: Rows) -> Rows:
        return super().numbered(rows) if rows else [[0, None]]


class FailsOnNull(Right):
    def post(self, request: Request, body: bytes) -> Response:
        is_null = b"[0, null, null, null]" in body
        return Response("", 500) if is_null else super().post(request, body)


class FailsOnLongText(Right):
    def post(self, request: Request, body: bytes) -> Response:
        return Response("", 502) if len(body) > 50_000 else super().post(request, body)


class TakesTheFirstRowsArgument(Right):
    def value(self, row: list[Any], rows: Rows) -> Any:
        return super().value(rows[0], rows)


class IgnoresArity(Right):
    def post(self, request: Request, body: bytes) -> Response:
        answer = super().post(request, body)
        is_arity = answer.status_code == 400 and body.startswith(b'{"data": [[0')
        return self.respond(request, self.encode([[0, None]])) if is_arity else answer


class SaysText(Right):
    def respond(self, _request: Request, body: bytes) -> Response:
        return Response(body, 200, content_type="text/plain")


class WantsItsHeaderInLowerCase(Right):
    def post(self, request: Request, body: bytes) -> Response:
        is_known = "sf-custom-efcheck" not in request.headers
        return super().post(request, body) if is_known else Response("", 403)


class CannotUnpack(Right):
    def unpack(self, body: bytes) -> bytes:
        return body


class AlwaysPacks(Right):
    def respond(self, request: Request, body: bytes) -> Response:
        answer = super().respond(request, gzip.compress(body))
        answer.headers["Content-Encoding"] = "gzip"
        return answer


class WrongSum(Right):
    def respond(self, request: Request, body: bytes) -> Response:
        answer = super().respond(request, body)
        answer.headers["Content-MD5"] = base64.b64encode(b"x" * 16).decode()
        return answer


class NeedsABatchId(Right):
    def post(self, request: Request, body: bytes) -> Response:
        has_id = "sf-external-function-query-batch-id" in request.headers
        return super().post(request, body) if has_id else Response("", 500)


class RaisesOnBadBodies(Right):
    def post(self, request: Request, body: bytes) -> Response:
        answer = super().post(request, body)
        is_body = answer.status_code == 400 and not body.startswith(b'{"data": [[0')
        return Response("", 502) if is_body else answer


class SaysWhenItAnswered(Right):
    """Whitespace differs from call to call, so the values agree and the bytes do not."""

    def encode(self, data: Rows) -> bytes:
        return super().encode(data) + b" " * next(CALLS)


class PollsForEver(Right):
    def poll(self, _request: Request) -> Response:
        return Response("", 500)


class AnswersABatchOnce(Right):
    """As one whose lock on a batch id is never let go."""

    def __init__(self) -> None:
        self.begun: set[str] = set()

    def post(self, request: Request, body: bytes) -> Response:
        batch = request.headers.get("sf-external-function-query-batch-id", "")
        if batch and batch in self.begun:
            return self.refuse()
        self.begun.add(batch)
        return super().post(request, body)


class LetsNobodyIn(Right):
    def answer(self, request: Request) -> Response:
        return Response("{}", 403)


class Answers202(Right):
    """Right too: every batch is polled for."""

    def __init__(self) -> None:
        self.done: dict[str, Response] = {}

    def post(self, request: Request, body: bytes) -> Response:
        batch = request.headers.get("sf-external-function-query-batch-id")
        answer = super().post(request, body)
        if batch is None or answer.status_code != 200:
            return answer
        self.done[batch] = answer
        return Response("", 202)

    def poll(self, request: Request) -> Response:
        batch = request.headers["sf-external-function-query-batch-id"]
        return self.done.get(batch) or Response("{}", 404)


class ForgetsWhatItAnswered(Answers202):
    def poll(self, request: Request) -> Response:
        answer = super().poll(request)
        self.done.pop(request.headers["sf-external-function-query-batch-id"], None)
        return answer


@contextmanager
def serving(application: Callable[..., Any]) -> Iterator[str]:
    """The handler's URL on a free port."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ef"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
