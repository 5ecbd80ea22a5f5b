"""The courses of Personalize: which states follow one another, by the name of what begins them."""

from __future__ import annotations

from collections.abc import Mapping

from recdrop.service.resources.lifecycle import Course

COURSES: Mapping[str, Course] = {
    "create": Course("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"),
    "delete": Course("DELETE PENDING", "DELETE IN_PROGRESS", None, "DELETE FAILED"),
    "stop": Course("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE"),
    "start": Course("START PENDING", "START IN_PROGRESS", "ACTIVE"),
    "halt": Course("CREATE STOPPING", "CREATE STOPPING", "CREATE STOPPED"),
    "erase": Course("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"),
    "retrain": Course("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"),
}

PENDING = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS", "PENDING", "IN_PROGRESS"})
