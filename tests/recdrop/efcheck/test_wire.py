"""Requests are signed for API Gateway, and a signed request is what is sent."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from recdrop.efcheck.wire import Client, signer
from tests.recdrop.efcheck import wrong


class WantsASignature(wrong.Right):
    """Signs again what came, with the same keys, and compares."""

    def answer(self, request: Request) -> Response:
        given = request.headers.get("Authorization", "")
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        headers = {name: request.headers[name] for name in names if name and name != "host"}
        moment = request.headers.get("X-Amz-Date", "")
        again = AWSRequest(
            method=request.method, url=request.url, data=request.get_data(), headers=headers
        )
        auth = SigV4Auth(Credentials("AKID", "secret"), "execute-api", "eu-west-1")
        again.context["timestamp"] = moment
        signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
        return super().answer(request) if given.endswith(signature) else Response("{}", 403)


def test_a_signature_holds_for_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with wrong.serving(WantsASignature()) as url:
        body = b'{"data": [[0, "u1", 3, null]]}'
        assert Client(url).post(body).status == 403
        assert Client(url, sign=signer("eu-west-1")).post(body).status == 200
        assert Client(url, sign=signer("us-east-1")).post(body).status == 403
