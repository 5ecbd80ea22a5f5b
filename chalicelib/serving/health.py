"""Whether the API can answer: the table read now, and what each group serves."""

from __future__ import annotations

from typing import Any

from chalicelib.serving.errors import Unavailable
from chalicelib.serving.http import Reply
from chalicelib.serving.records import Catalogue, Group


def check_health(catalogue: Catalogue) -> Reply:
    """200 while the table answers, else 503; either way one entry per part."""
    try:
        groups = catalogue.check()
    except Unavailable as error:
        parts: dict[str, Any] = {
            "api": {"status": "ok"},
            "table": {"status": "failed", "message": error.message},
        }
        return Reply(503, {"status": "failed", "parts": parts, "groups": {}}, {"Retry-After": "5"})
    parts = {"api": {"status": "ok"}, "table": {"status": "ok"}}
    return Reply(
        200,
        {"status": "ok", "parts": parts, "groups": {g.name: _describe_group(g) for g in groups}},
    )


def _describe_group(group: Group) -> dict[str, Any]:
    return {
        "solutions": {
            name: {
                "recipe": record.recipe,
                "campaign": record.campaign_arn,
                "solutionVersion": record.solution_version_arn,
                "run": record.run,
            }
            for name, record in sorted(group.solutions.items())
        },
        "popular": group.popular is not None,
        "events": group.event_tracker_id is not None,
    }
