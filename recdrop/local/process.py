"""The environment of the process: what makes boto3, anywhere in it, talk to the stack."""

from __future__ import annotations

import os
from collections.abc import Mapping

from recdrop.local.aws.clients import FAKE_KEY
from recdrop.local.aws.identity import ACCOUNT, HOST, REGION

Variables = Mapping[str, str | None]


def aws_environment(aws_url: str) -> dict[str, str | None]:
    """The variables that lead boto3 to `aws_url`; None is one to remove.

    Endpoints of single services and proxies, which a user may have set, would win over it. A user's
    own credentials are left alone.
    """
    others = {
        key: None
        for key in os.environ
        if key.startswith(("AWS_ENDPOINT_URL_", "AWS_IGNORE_CONFIGURED_ENDPOINT"))
    }
    directly = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    no_proxy = ",".join(filter(None, [directly, HOST]))
    environment: dict[str, str | None] = {
        **others,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "MOTO_ACCOUNT_ID": ACCOUNT,
        # Chalice writes it at each import of an app; set here, it is put back when the stack stops.
        "AWS_EXECUTION_ENV": os.environ.get("AWS_EXECUTION_ENV", ""),
    }
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment[key] = os.environ.get(key) or FAKE_KEY
    return environment


def set_variables(values: Variables) -> Variables:
    """Set variables of the process (None: remove one); returns what they were before."""
    before = {key: os.environ.get(key) for key in values}
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
    return before
