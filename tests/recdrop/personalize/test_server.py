from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recdrop.personalize.server import PersonalizeServer
from tests.recdrop.personalize.simulation import Simulation


@pytest.mark.parametrize(
    ("environ", "ours"),
    [
        ({"HTTP_X_AMZ_TARGET": "AmazonPersonalize.ListSchemas"}, True),
        ({"HTTP_X_AMZ_TARGET": "AmazonSQS.SendMessage"}, False),
        ({"PATH_INFO": "/recommendations"}, True),
        (
            {
                "PATH_INFO": "/events",
                "HTTP_AUTHORIZATION": "Credential=a/20260101/us-east-1/personalize/aws4_request",
            },
            True,
        ),
        (
            {
                "PATH_INFO": "/events",
                "HTTP_AUTHORIZATION": "Credential=a/20260101/us-east-1/s3/aws4_request",
            },
            False,
        ),
        ({"PATH_INFO": "/items", "CONTENT_TYPE": "multipart/form-data; boundary=x"}, False),
        ({"PATH_INFO": "/items", "REQUEST_METHOD": "GET"}, False),
        ({"PATH_INFO": "/"}, False),
        ({"PATH_INFO": "/_personalize/faults", "REQUEST_METHOD": "GET"}, True),
    ],
)
def test_only_requests_for_personalize_are_taken(
    sim: Simulation, environ: dict[str, Any], ours: bool
) -> None:
    assert sim.server.matches({"REQUEST_METHOD": "POST", **environ}) is ours


def test_an_unknown_latency_is_refused_with_the_known_ones(data_dir: Path) -> None:
    with pytest.raises(
        ValueError, match=r"Latency has value 'slow'\. Expected one of: instant, quick, realistic"
    ):
        PersonalizeServer(data_dir, s3_endpoint=None, latency="slow")
