"""moto as a WSGI application without Flask: one lock, one small dispatcher.

moto's own server needs Flask and is not thread-safe: lost updates and conditional puts won twice,
rarely enough to look like bugs of the program under test. Every request here runs under one
re-entrant lock (EventBridge calls SQS in the same thread). Lambda invocations and Personalize do
not come here: they call back over HTTP and would wait for ever.

Whoever wants moto without the services that nobody serves calls `slimmoto.install` before: a test of
somebody else's, in whose process this may run, wants them all.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from moto import backend_index, backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.base_backend import BackendDict
from moto.core.request import Request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from recdrop.local.aws import slimmoto
from recdrop.local.aws.identity import REGION
from recdrop.local.aws.refusals import FORM, error_document

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LOG = logging.getLogger(__name__)
CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
# Signing names and target prefixes that differ from the host name that moto's index knows.
HOSTS = {"sagemaker": "api.sagemaker", "eventbridge": "events"}
TARGETS = {
    "DynamoDB": "dynamodb",
    "AmazonSQS": "sqs",
    "AWSStepFunctions": "states",
    "AWSEvents": "events",
    "AmazonSSM": "ssm",
    "Logs": "logs",
}

Handler = Callable[[Any, str, Any], Any]


class ServerRequest(Request):  # type: ignore[misc]  # moto is untyped
    """moto's request, marked as one that came over a socket."""

    from_wsgi_server = True


class MotoApp:
    """Answers requests for the services that moto has, one at a time."""

    def __init__(self, lock: threading.RLock) -> None:
        self.lock = lock

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from moto; what moto cannot do is printed and answered with 500 or 501."""
        request = ServerRequest(environ)
        with self.lock:
            # The body is read under the lock too: moto makes some bodies while they are read.
            response = self.answer(request)
            return list(response(environ, start_response))

    def answer(self, request: Any) -> Response:
        """The response to a request; never raises."""
        service, region = find_service(request)
        try:
            handler = find_handler(service, region, request.raw_path)
            if handler is None:
                return failure(request, 501, f"The local stack does not serve '{service}'.")
            return to_response(request, handler(request, request.raw_url, dict(request.headers)))
        except HTTPException as error:
            return Response.force_type(error.get_response(request.environ))
        except NotImplementedError as error:
            LOG.error("moto does not implement %s %s: %s", service, describe(request), error)  # noqa: TRY400
            return failure(request, 501, f"moto does not implement this: {error}")
        except Exception:
            LOG.exception("moto failed on %s %s", service, describe(request))
            return failure(
                request, 500, "moto failed; the traceback is in the log of `recdrop up`."
            )


def describe(request: Any) -> str:
    """The request in a few words, for a log line."""
    return f"{request.method} {request.raw_path} {request.headers.get('X-Amz-Target', '')}".rstrip()


def failure(request: Any, status: int, message: str) -> Response:
    """An error that every AWS client can read."""
    content_type, text = error_document(request.environ, "InternalFailure", message)
    headers = {"x-amzn-ErrorType": "InternalFailure"}
    return Response(text, status, headers, content_type=content_type)


def to_response(request: Any, result: Any) -> Response:
    """moto's `(status, headers, body)` or bare body as a response."""
    is_complete = isinstance(result, tuple) and len(result) == 3
    status, headers, body = result if is_complete else (200, {}, result)
    response = Response(body, status, headers)
    # werkzeug counts the body, which HEAD has none of; S3 clients read the object's size here.
    if request.method == "HEAD" and "content-length" in headers:
        response.headers["Content-Length"] = str(headers["content-length"])
    return response


def find_service(request: Any) -> tuple[str, str]:
    """The service and region a request is for.

    Its signature says so, else its target header, else the version in its form. What has none of
    these is most likely S3: a presigned or an anonymous address.
    """
    signature = CREDENTIAL.search(request.headers.get("Authorization", ""))
    if signature is None and "X-Amz-Credential" in request.args:
        signature = CREDENTIAL.search(f"Credential={request.args['X-Amz-Credential']}")
    if signature is not None:
        return signature[2].lower(), signature[1]
    prefix = request.headers.get("X-Amz-Target", "").split(".")[0].split("_")[0]
    if prefix in TARGETS:
        return TARGETS[prefix], REGION
    if request.mimetype == FORM and b"Action=" in request.get_data(cache=True):
        form = parse_qs(request.get_data(as_text=True))
        return service_of_action(form.get("Version", [""])[0]), REGION
    return "s3", REGION


def service_of_action(version: str) -> str:
    """The query service that an API version belongs to."""
    versions = {"2011-06-15": "sts", "2010-05-08": "iam", "2010-03-31": "sns", "2012-11-05": "sqs"}
    return versions.get(version, "cloudformation")


@lru_cache(maxsize=256)
def find_routes(service: str, region: str) -> tuple[tuple[re.Pattern[str], Handler], ...] | None:
    """The URL patterns of a service, without their host, each with its handler.

    None when moto (or this stack) has no such service.
    """
    url = f"https://{HOSTS.get(service, service)}.{region}.amazonaws.com"
    for name, pattern in backend_index.backend_url_patterns:
        if pattern.match(url) and not slimmoto.is_unserved(f"moto.{name}"):
            return tuple(
                (re.compile(path), handler)
                for path, handler in any_backend(name).url_paths.items()
                if path
            )
    return None


def any_backend(name: str) -> Any:
    """Any regional backend of a service: the routes are the same in all."""
    found = backends.get_backend(name)
    if isinstance(found, BackendDict):
        return found[DEFAULT_ACCOUNT_ID][REGION if REGION in found[DEFAULT_ACCOUNT_ID] else "aws"]
    return found["global"]


def find_handler(service: str, region: str, path: str) -> Handler | None:
    """moto's handler of a path, or None when the service is not served."""
    for pattern, handler in find_routes(service, region) or ():
        if pattern.match(path):
            return handler
    return None


def reset() -> None:
    """Forget all AWS resources of this process."""
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()
