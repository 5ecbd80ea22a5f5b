"""The gaps of its Lambda."""

from __future__ import annotations

from typing import Any

import pytest

from recdrop.local.stack import Stack
from tests.recdrop.local.lambdas.test_foreign import lambda_role, zipped


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"Runtime": "nodejs22.x", "Handler": "index.handler"}, "Runtime nodejs22.x cannot run"),
        ({"PackageType": "Image"}, "PackageType Image cannot run"),
    ],
)
def test_what_cannot_run_is_refused_when_it_is_made(
    stack: Stack, spec: dict[str, Any], told: str
) -> None:
    client = stack.boto_client("lambda")
    code = {"ImageUri": "one:1"} if "PackageType" in spec else {"ZipFile": zipped("")}
    role = lambda_role(stack, f"other-{len(told)}")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match=told):
        client.create_function(FunctionName="other", Role=role, Code=code, **spec)
