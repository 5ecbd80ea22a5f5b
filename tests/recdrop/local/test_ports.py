"""What web pages may do to a running stack: nothing on the AWS port, the API where it is allowed."""

from __future__ import annotations

import json

import pytest

from recdrop.local.stack import Stack
from tests.recdrop.conftest import fetch

AWS_ROUTES = [
    ("GET", "/_recdrop/health"),
    ("POST", "/_recdrop/stop"),
    ("POST", "/_recdrop/faults"),
    ("POST", "/2015-03-31/functions/recdrop-Check/invocations"),
    ("POST", "/"),
    ("GET", "/?Action=ListQueues"),
    ("GET", "/any-bucket/any-key"),
    ("PUT", "/any-bucket/any-key"),
    ("POST", "/any-bucket"),
    ("POST", "/recommendations"),
    ("GET", "/_personalize/faults"),
    ("OPTIONS", "/any-bucket/any-key"),
]
API_ROUTES = [
    ("GET", "/hello/x"),
    ("POST", "/echo"),
    ("GET", "/admin"),
    ("OPTIONS", "/cors"),
    ("GET", "/no-such-route"),
]
FOREIGN = [
    ({"Host": "rebound.example"}, 421, "WrongHost"),
    ({"Host": "127.0.0.1:1"}, 421, "WrongHost"),
    ({"Origin": "https://evil.example"}, 403, "ForeignOrigin"),
    ({"Origin": "null"}, 403, "ForeignOrigin"),
    ({"Sec_Fetch_Site": "cross-site"}, 403, "ForeignOrigin"),
]


@pytest.mark.parametrize(("headers", "status", "code"), FOREIGN)
def test_no_route_of_either_port_answers_a_page_of_elsewhere(
    stack: Stack, headers: dict[str, str], status: int, code: str
) -> None:
    urls = [(method, stack.aws_url + path) for method, path in AWS_ROUTES]
    urls += [(method, stack.api_url + path) for method, path in API_ROUTES]
    for method, url in urls:
        body = b"{}" if method in ("POST", "PUT") else None
        answered, _, text = fetch(url, body, method, **headers)
        assert answered == status, (method, url)
        assert json.loads(text)["error"]["code"] == code
    assert not stack.stop_requested.is_set()


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x"])
def test_a_form_neither_invokes_a_function_nor_writes_an_object(
    stack: Stack, content_type: str
) -> None:
    invoke = f"/2015-03-31/functions/{stack.resources['Check']}/invocations"
    for path in (invoke, f"/{stack.outputs['DropBucketName']}", "/_recdrop/stop"):
        status, _, text = fetch(stack.aws_url + path, b"{}", "POST", Content_Type=content_type)
        assert (status, json.loads(text)["error"]["code"]) == (415, "SimpleContentType")
    assert fetch(stack.api_url + "/echo", b"{}", "POST", Content_Type=content_type)[0] == 415


def test_every_protocol_of_the_sdk_gets_through(stack: Stack) -> None:
    bucket = stack.outputs["DropBucketName"]
    stack.boto_client("sns").list_topics()  # a form, signed
    stack.boto_client("sqs").list_queues()
    stack.boto_client("dynamodb").list_tables()
    stack.boto_client("s3").put_object(Bucket=bucket, Key="poison-x", Body=b"x")
    stack.boto_client("cloudformation").describe_stacks()
    stack.boto_client("lambda").invoke(FunctionName=stack.resources["Check"], Payload=b"{}")
    assert fetch(stack.aws_url.replace("127.0.0.1", "localhost") + "/_recdrop/health")[0] == 200
