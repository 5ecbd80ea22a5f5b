"""A small Chalice application for the tests of the local stack: one of each kind of Lambda, no
chalicelib.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
from typing import Any

from chalice import Chalice, IAMAuthorizer, Response

app = Chalice(app_name="sample")
app.api.binary_types.append("image/png")
authorizer = IAMAuthorizer()
SEEN: dict[
    str, int
] = {}  # module state, as a warm Lambda has it: how often each token was worked on


class ResourcePending(Exception):
    """The state machine polls on this name."""


def client(service: Any) -> Any:
    import boto3

    return boto3.client(service)


@app.on_sqs_message(
    queue_arn="arn:aws:sqs:us-east-1:123456789012:replaced-by-the-merge-template", batch_size=5
)
def on_export(event: Any) -> Any:
    failures = []
    for record in event:
        detail = json.loads(record.body)["detail"]
        if "poison" in detail["object"]["key"]:
            failures.append({"itemIdentifier": record.to_dict()["messageId"]})
            continue
        start(detail)
    return {"batchItemFailures": failures}


def start(detail: Any) -> None:
    states = client("stepfunctions")
    name = f"run-{detail['object']['etag']}"
    order = json.dumps({"bucket": detail["bucket"]["name"], "key": detail["object"]["key"]})
    with contextlib.suppress(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(
            stateMachineArn=os.environ["STATE_MACHINE_ARN"], name=name, input=order
        )


@app.lambda_function(name="check")
def check(event: Any, context: Any) -> Any:
    SEEN[event["token"]] = SEEN.get(event["token"], 0) + 1
    if SEEN[event["token"]] <= event.get("pending", 0):
        raise ResourcePending(f"{event['token']} is not ready")
    return {
        "token": event["token"],
        "attempts": SEEN[event["token"]],
        "request": context.aws_request_id,
    }


@app.lambda_function(name="slow")
def slow(event: Any, context: Any) -> Any:
    time.sleep(event["seconds"])
    return {"left": context.get_remaining_time_in_millis()}


@app.lambda_function(name="bad_result")
def bad_result(event: Any, context: Any) -> Any:
    return {"payload": b"bytes"}


@app.schedule("rate(1 minute)")
def tick(event: Any) -> Any:
    return {"ticked": event.to_dict()["detail-type"]}


@app.route("/hello/{name}")
def hello(name: str) -> Any:
    request = app.current_request
    time.sleep(float((request.query_params or {}).get("sleep", 0)))
    return {
        "name": name,
        "seen": app.current_request.uri_params["name"],
        "query": request.to_dict()["query_params"],
        "stage": request.context["stage"],
        "path": request.context["path"],
    }


@app.route(
    "/echo",
    methods=["POST"],
    content_types=["application/json", "text/plain", "application/octet-stream"],
)
def echo() -> Any:
    return {
        "length": len(app.current_request.raw_body),
        "sent": app.current_request.raw_body.decode("latin1")[:50],
    }


@app.route("/admin", authorizer=authorizer)
def admin() -> Any:
    return {"caller": app.current_request.context["identity"]["accessKey"]}


@app.route("/picture")
def picture() -> Any:
    return Response(b"\x89PNG", headers={"Content-Type": "image/png"})


@app.route("/packed")
def packed() -> Any:
    body = gzip.compress(b'{"packed": true}')
    return Response(body, headers={"Content-Type": "image/png", "Content-Encoding": "gzip"})


@app.route("/big")
def big() -> Any:
    return {"text": "x" * 7_000_000}


@app.route("/broken")
def broken() -> None:
    raise ValueError("this text must not reach a client")


@app.route("/cors", cors=True)
def cors() -> Any:
    return {}
