"""Where the API gets its collaborators: made once per process, when the first request comes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.context import open_context

if TYPE_CHECKING:
    from chalicelib.serving.api import Api


@cache
def api() -> Api:
    """Imported here, so that the pipeline's Lambdas do not pay for it."""
    from chalicelib.serving.api import Api

    context: Any = open_context()  # the API's own protocols are narrower than boto3's types
    return Api.over(
        table=lambda: context.clients.table(context.settings.table_name),
        s3=lambda: context.clients.s3,
        work_bucket=context.settings.work_bucket,
        runtime=lambda: context.clients.personalize_runtime,
        personalize_events=lambda: context.clients.personalize_events,
        clock=context.clock,
        now=context.now,
        sleep=context.sleep,
        random=context.random,
    )
