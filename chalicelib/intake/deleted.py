"""Groups that somebody has deleted in Personalize: the API must not go on listing them."""

from __future__ import annotations

from chalicelib.context import Context
from chalicelib.telemetry import logger


def forget_deleted_groups(context: Context) -> list[str]:
    """The groups whose dataset group was there when a run prepared it, and is no more.

    They count as new: a next export is a first one.
    """
    made = [record.group for record in context.ledger.catalogue() if record.run is not None]
    gone = [group for group in made if not context.personalize.has_group(group)]
    for group in gone:
        context.ledger.forget_group(group)
        logger.warning(
            "group forgotten", extra={"group": group, "reason": "deleted in Personalize"}
        )
    return gone
