"""A WSGI application on a port of its own, for as long as a `with` block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recdrop.service.http.httpserver import listen

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@contextmanager
def hosted(app: WSGIApplication, port: int = 0) -> Iterator[str]:
    """Yields the URL. PortInUseError when the port is taken."""
    server = listen(port, app, "PORT")
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
