"""Errors in the protocol of whoever asks."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from recdrop.local.aws.refusals import FORM, error_document


@pytest.mark.parametrize(
    "environ", [{"CONTENT_TYPE": "application/x-amz-json-1.0"}, {"HTTP_X_AMZ_TARGET": "Logs.Put"}]
)
def test_json_services_get_json(environ: dict[str, str]) -> None:
    content_type, text = error_document(environ, "Busy", "later")
    assert content_type == "application/json"
    assert json.loads(text) == {"__type": "Busy", "message": "later"}


@pytest.mark.parametrize(
    ("environ", "path"),
    [({}, "Code"), ({"CONTENT_TYPE": "text/csv"}, "Code"), ({"CONTENT_TYPE": FORM}, "Error/Code")],
)
def test_s3_and_the_query_services_get_xml(environ: dict[str, str], path: str) -> None:
    content_type, text = error_document(environ, "Busy", "a < b")
    assert content_type == "text/xml"
    assert ElementTree.fromstring(text).findtext(path) == "Busy"
