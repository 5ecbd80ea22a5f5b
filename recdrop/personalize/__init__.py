"""The local Amazon Personalize: speaks the service's API, and trains real models.

A request comes in through `server` and `service`. `control` answers what is asked of resources, by
the declarations in `kinds`; `events` takes in what is streamed; `answers` recommends. `work` is what
the worker processes do. `data` and `filters` are the datasets and filter expressions that all of
them read.

`mock` lets boto3 talk to a service in this process; it lives in `recdrop.testing`, which has an S3
for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # Its type alone: a service knows no stack, and what is beside it in a test is of one.
    mock: Any


def __getattr__(name: str) -> Any:
    if name == "mock":
        return importlib.import_module("recdrop.testing.mocking").mock
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
