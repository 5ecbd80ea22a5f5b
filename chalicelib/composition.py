"""Where the API gets its collaborators: made once per process, when the first request comes."""

from __future__ import annotations

import random
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib import clients
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.serving.api import Api


@cache
def api() -> Api:
    """Imported here, so that the pipeline's Lambdas do not pay for it."""
    from chalicelib.serving.api import Api

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
