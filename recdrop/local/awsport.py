"""The AWS port: which part of the stack answers a request, and from when on.

A request goes to the stack's own control, to Personalize, to the Lambda host, or to moto, in this
order. Until the data of an earlier stack is back, only the control answers; all else is 503.
Whatever is AWS's goes through the guard, which judges what the functions' roles may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from recdrop.local.aws.refusals import not_ready
from recdrop.local.control import Control
from recdrop.local.iam.guard import Guard
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

    def __init__(self, control: Control, lambdas: InvokeApi, guard: Guard) -> None:
        self._control = control
        self._guarded = guard.protect(self._serve)
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
        if self._control.matches(environ):
            return self._control(environ, start_response)
        if not self._open and not is_for_storage(environ):
            return not_ready(environ, start_response)
        return self._guarded(environ, start_response)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._choose(environ)(environ, start_response)

    def _choose(self, environ: WSGIEnvironment) -> WSGIApplication:
        """The part that answers the request."""
        if not self._open:
            return self._moto
        if self._personalize is not None and self._personalize.matches(environ):
            return self._personalize
        if self._lambdas.matches(environ):
            return self._lambdas
        return self._moto


def is_for_storage(environ: WSGIEnvironment) -> bool:
    """Whether a request is signed for S3, or for STS, which gives Personalize its role."""
    signature = environ.get("HTTP_AUTHORIZATION", "")
    return "/s3/aws4_request" in signature or "/sts/aws4_request" in signature
