"""A threaded HTTP server on 127.0.0.1 that stops when told and leaves no socket open."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from recdrop.service.http.guard import NAMES, Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"  # not "localhost", which may be ::1 first
LOG = logging.getLogger(__name__)


class PortInUseError(Exception):
    """The port is taken; the message names it and the variable that sets another one."""


class Body:
    """A request body of known length on a connection that goes on after it."""

    def __init__(self, stream: Any, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, never more than the body has."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data: bytes = self._stream.read(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        """A line of the body."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data: bytes = self._stream.readline(wanted) if wanted else b""
        self._left -= len(data)
        return data

    def drain(self) -> None:
        """Read what the application left unread: the next request begins behind it."""
        while self._left and self.read(1 << 16):
            pass


class RequestHandler(WSGIRequestHandler):
    """HTTP/1.1 with keep-alive, without Nagle's pause of 40 ms, silent unless something is wrong.

    werkzeug closes every connection because applications may leave a body unread; `Body` makes up
    for that. Answers are written whole: everything served here is in memory anyway.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "recdrop"
    sys_version = ""
    _body: Body | None = None

    def make_environ(self) -> WSGIEnvironment:
        """werkzeug drops header names with an underscore, which keys of S3 metadata may have."""
        environ = super().make_environ()
        if "wsgi.input_terminated" not in environ:
            self._body = environ["wsgi.input"] = Body(
                self.rfile, int(environ.get("CONTENT_LENGTH") or 0)
            )
        names = {}
        for name, value in self.headers.items():
            if name.lower().startswith("x-amz-meta-") and "_" in name:
                key = "HTTP_" + name.upper().replace("-", "_")
                environ[key] = value
                names[key] = name
        environ["moto.preserved_header_names"] = names
        return environ

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection at the start of the next.

        werkzeug's own reads 10 ms on for a body that its application left unread, which with
        keep-alive is the next request.
        """
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            self.send_error(400, f"Content-Length is {length!r}. Expected a whole number.")
            return
        if self.headers.get("Expect", "").lower().strip() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._body = None
        environ = self.make_environ()
        try:
            self._answer(environ)
        except (ConnectionError, TimeoutError) as error:
            self.close_connection = True
            self.connection_dropped(error, environ)

    def _answer(self, environ: WSGIEnvironment) -> None:
        head: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: object = None
        ) -> Callable[[bytes], object]:
            head[:] = [status, headers]
            return self.wfile.write

        parts = self.server.app(environ, start_response)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        if self._body is not None:
            self._body.drain()
        else:
            self.close_connection = True  # a chunked body: where it ends is not known here
        self._write(head[0], head[1], body)

    def _write(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in names and int(code) >= 200 and int(code) not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no HTTP is refused in our format too, not with a page; then nothing can follow."""
        del explain
        phrase = HTTPStatus(code).phrase
        error = {"code": phrase.replace(" ", ""), "message": message or phrase}
        self.close_connection = True
        head = [("Content-Type", "application/json")]
        self._write(f"{code} {phrase}", head, json.dumps({"error": error}).encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No access log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Server errors go to logging."""
        LOG.log(logging.ERROR if type == "error" else logging.DEBUG, message, *args)

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """A client that went away is no event."""


class Server(ThreadedWSGIServer):
    """Keeps its connections, to close those that clients hold open; lets no foreign web page in.

    `origins` and `names` are those of `Guard`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        app: WSGIApplication,
        origins: Callable[[], Collection[str]] = tuple,
        names: Collection[str] = NAMES,
    ) -> None:
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__(HOST, port, app, handler=RequestHandler)
        # Only now is the port known, if any free one was asked for.
        self.app = Guard(app, self.server_address[1], origins, names)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Server errors go to logging."""
        LOG.log(logging.ERROR if type == "error" else logging.DEBUG, message, *args)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.debug("Connection from %s ended badly", client_address, exc_info=True)
        del request

    def start(self) -> None:
        """Serve in a thread."""
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="http", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._connections_lock:
            connections = list(self._connections)
        # Clients keep connections open, and their threads would wait on them.
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def listen(
    port: int,
    app: WSGIApplication,
    variable: str,
    origins: Callable[[], Collection[str]] = tuple,
    names: Collection[str] = NAMES,
) -> Server:
    """A server bound to the port; 0 takes any free one. `origins` and `names` are those of `Guard`.

    Raises:
        PortInUseError: the port is taken; the text names `variable`, which sets another one.
    """
    try:
        # werkzeug prints its own advice and exits when a port is taken, so that is tried before.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
        return Server(port, app, origins, names)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        reason = "in use" if error.errno == errno.EADDRINUSE else "not allowed"
        other = port + 1 if port >= 1024 else port + 8000
        raise PortInUseError(
            f"Port {port} is {reason}. Set another one, e.g. {variable}={other}, "
            f"or {variable}=0 for any free port."
        ) from error
