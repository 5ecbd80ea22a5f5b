"""The AWS port: which part of the stack answers a request, and from when on.

A request goes to the stack's own control, to Personalize, to the Lambda host, or to moto, in this
order. Until the data of an earlier stack is back, only the control answers; all else is 503.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from recdrop.local.aws.refusals import not_ready
from recdrop.local.control import Control
from recdrop.local.lambdas.invoke import InvokeApi

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Personalize(Protocol):
    """What the stack needs of `recdrop.personalize`."""

    def matches(self, environ: WSGIEnvironment) -> bool:
        """Whether the request is Personalize's."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer it."""

    def close(self) -> None:
        """Stop the workers."""


class AwsPort:
    """The WSGI application of the AWS port. It opens in two steps, while the stack starts."""

    def __init__(self, control: Control, lambdas: InvokeApi) -> None:
        self._control = control
        self._lambdas = lambdas
        self._moto: WSGIApplication = not_ready
        self._personalize: Personalize | None = None
        self._open = False

    def open_storage(self, moto: WSGIApplication) -> None:
        """S3 has its objects back.

        Personalize takes up its unfinished jobs as soon as it is made, and these read from S3: so
        S3 has to answer before Personalize does.
        """
        self._moto = moto

    def open(self, personalize: Personalize | None) -> None:
        """All data is back: every service answers."""
        self._personalize = personalize
        self._open = True

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self._choose(environ)(environ, start_response)

    def _choose(self, environ: WSGIEnvironment) -> WSGIApplication:
        """The part that answers the request."""
        if self._control.matches(environ):
            return self._control
        if not self._open:
            return self._moto if is_for_s3(environ) else not_ready
        if self._personalize is not None and self._personalize.matches(environ):
            return self._personalize
        if self._lambdas.matches(environ):
            return self._lambdas
        return self._moto


def is_for_s3(environ: WSGIEnvironment) -> bool:
    """Whether a request is signed for S3."""
    return "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
