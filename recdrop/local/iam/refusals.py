"""What a client sees of a refusal: AWS's words, in the form that the service gives them.

The services agree in little: DynamoDB and Step Functions say 400, the others 403; SQS prints its
actions in lower case, SNS with an upper-case prefix; SNS has a code of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from recdrop.local.aws.refusals import error_document
from recdrop.local.iam.policy import Decision, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DENIED = "AccessDenied"
DENIED_EXCEPTION = "AccessDeniedException"


@dataclass(frozen=True)
class Form:
    """How one service says "access denied"."""

    status: int = HTTPStatus.FORBIDDEN
    code: str = DENIED_EXCEPTION
    # The code in the body, where it is not that of the client.
    type: str = ""
    body: Literal["json", "asked"] = "json"  # "asked": in the protocol of the request
    text: str = "message"
    spelling: Literal["own", "lower", "upper prefix"] = "own"
    quoted: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


# By the service's name in botocore. Services with the default form need no row.
FORMS: Mapping[str, Form] = {
    "stepfunctions": Form(status=HTTPStatus.BAD_REQUEST),
    "dynamodb": Form(
        status=HTTPStatus.BAD_REQUEST,
        type=f"com.amazon.coral.service#{DENIED_EXCEPTION}",
        text="Message",
    ),
    "events": Form(status=HTTPStatus.BAD_REQUEST),
    "logs": Form(status=HTTPStatus.BAD_REQUEST),
    "kms": Form(status=HTTPStatus.BAD_REQUEST),
    "ssm": Form(status=HTTPStatus.BAD_REQUEST),
    "personalize": Form(status=HTTPStatus.BAD_REQUEST),
    "lambda": Form(text="Message"),
    "sqs": Form(
        code=DENIED,
        type=f"com.amazon.coral.service#{DENIED_EXCEPTION}",
        spelling="lower",
        headers={"x-amzn-query-error": f"{DENIED};Sender"},
    ),
    "sns": Form(code="AuthorizationError", body="asked", spelling="upper prefix"),
    "iam": Form(code=DENIED, body="asked"),
    "sts": Form(code=DENIED, body="asked"),
    "cloudformation": Form(code=DENIED, body="asked"),
    "cloudwatch": Form(code=DENIED, body="asked"),
    "s3": Form(code=DENIED, body="asked", quoted=True),
}


@dataclass(frozen=True)
class Refusal:
    """An answer to send: status, headers and body."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: str


def refuse(service: str, request: Request, decision: Decision, environ: WSGIEnvironment) -> Refusal:
    """The answer of a service (botocore's name of it) to a request that was not allowed."""
    form = FORMS.get(service, Form())
    text = message(request, decision, form)
    if form.body == "asked":
        content_type, body = error_document(environ, form.code, text)
    else:
        content_type = environ.get("CONTENT_TYPE") or ""
        content_type = content_type if "json" in content_type else "application/json"
        body = json.dumps({"__type": form.type or form.code, form.text: text})
    # HEAD has no body, so all that a client learns is the status: code "403", "Forbidden".
    return Refusal(
        status=HTTPStatus(form.status),
        headers={
            "Content-Type": content_type,
            "Content-Length": str(len(body.encode())),
            "x-amzn-ErrorType": form.code,
            **form.headers,
        },
        body="" if environ["REQUEST_METHOD"] == "HEAD" else body,
    )


def message(request: Request, decision: Decision, form: Form | None = None) -> str:
    """AWS's sentence about who may not do what, and why."""
    form = form or Form()
    principal = request.principal
    who = principal.session_arn or principal.service or principal.arn
    action = spell(request.action, form)
    resource = f'"{request.resource}"' if form.quoted else request.resource
    where = "" if request.resource == "*" else f" on resource: {resource}"
    if decision.reason.startswith("no "):
        why = f"because {decision.reason} the {action} action"
    else:
        why = f"with an {decision.reason.removeprefix('an ')}"
    return f"User: {who} is not authorized to perform: {action}{where} {why}"


def spell(action: str, form: Form) -> str:
    """An action as the service prints it."""
    if form.spelling == "lower":
        return action.lower()
    if form.spelling == "upper prefix":
        prefix, _, name = action.partition(":")
        return f"{prefix.upper()}:{name}"
    return action
