"""Whether the API can answer, for anybody; what it serves and from where, for signed callers."""

from __future__ import annotations

from typing import Any

from chalicelib.api.reply import Reply
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import Unavailable
from chalicelib.serving.group import Group


def check_health(catalogue: Catalogue) -> Reply:
    """200 while the table can be read, and not a word more: anybody may ask.

    Raises:
        Unavailable: it cannot.
    """
    try:
        catalogue.check()
    except Unavailable as error:
        raise Unavailable("The API cannot answer.", retry_after=error.retry_after) from error
    return Reply(200, {"status": "ok"})


def describe_status(catalogue: Catalogue) -> Reply:
    """200 while the table can be read, else 503; either way one entry per part."""
    try:
        groups = catalogue.check()
    except Unavailable as error:
        table = {"status": "failed", "message": error.message}
        headers = {"Retry-After": str(error.retry_after)}
        return Reply(503, _describe("failed", table, ()), headers)
    return Reply(200, _describe("ok", {"status": "ok"}, groups))


def _describe(status: str, table: dict[str, str], groups: tuple[Group, ...]) -> dict[str, Any]:
    return {
        "status": status,
        "parts": {"api": {"status": "ok"}, "table": table},
        "groups": {group.name: _describe_group(group) for group in groups},
    }


def _describe_group(group: Group) -> dict[str, Any]:
    solutions = {
        name: {
            "recipe": record.recipe,
            "campaign": record.campaign_arn,
            "solutionVersion": record.solution_version_arn,
            "run": record.run,
        }
        for name, record in sorted(group.solutions.items())
    }
    return {
        "solutions": solutions,
        "popular": group.popular is not None,
        "events": group.event_tracker_id is not None,
    }
