"""The variables that lead boto3, and every other SDK of AWS, to a local Personalize."""

from __future__ import annotations

import os
from collections.abc import Mapping

# Beside Personalize what its users need: objects, and roles to be named.
SERVICES = ("PERSONALIZE", "PERSONALIZE_RUNTIME", "PERSONALIZE_EVENTS", "S3", "IAM", "STS")
REGION = "us-east-1"
Variables = Mapping[str, str | None]


def region() -> str:
    """The region that boto3 would choose now."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION


def leading_to(url: str) -> Variables:
    """The variables; None is one to remove.

    Other services go where they went. Keys are made up: a test never works with real ones.
    """
    return {
        **{f"AWS_ENDPOINT_URL_{service}": url for service in SERVICES},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": None,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",  # nothing checks it # nosec B105
        "AWS_SESSION_TOKEN": None,  # nosec B105
        "AWS_PROFILE": None,
        "AWS_DEFAULT_REGION": region(),
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
    }


def change(variables: Variables) -> Variables:
    """Sets variables of the process; answers what they were before."""
    before = {name: os.environ.get(name) for name in variables}
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before
