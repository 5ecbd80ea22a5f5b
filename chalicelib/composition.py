"""Where the API gets its collaborators: made once per process, when the first request comes."""

from __future__ import annotations

import random
import time
from functools import cache
from typing import Any

from chalicelib import clients
from chalicelib.serving.api import Api
from chalicelib.settings import Settings


@cache
def api() -> Api:
    settings = Settings.from_environment()
    makers: Any = clients  # the API's own protocols are narrower than boto3's generated types
    return Api.over(
        table=lambda: makers.dynamodb_table(settings.table_name),
        s3=makers.s3,
        work_bucket=settings.work_bucket,
        runtime=makers.personalize_runtime,
        personalize_events=makers.personalize_events,
        clock=time.monotonic,
        now=time.time,
        sleep=time.sleep,
        random=random.random,
    )
