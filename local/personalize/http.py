"""One WSGI application on a port of 127.0.0.1: threaded, keep-alive, without Nagle's delay."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536  # headers and body leave in one packet

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged: the service is measured and tested under load."""


class HttpServer:
    """Serves while the `with` block runs."""

    def __init__(self, app: WSGIApplication, port: int = 0) -> None:
        self._server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Handler)
        assert isinstance(self._server, ThreadedWSGIServer)  # noqa: S101 - threaded=True
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="personalize-http", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> HttpServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
