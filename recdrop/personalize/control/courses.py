"""The courses of Personalize: which states follow one another, by the name of what begins them.

Not every kind passes through every state that the service's documents list. Printed waits of AWS's
notebooks show a dataset group go from CREATE PENDING to ACTIVE, and a solution ACTIVE one second
after it was made, with `lastUpdatedDateTime` equal to `creationDateTime`.
"""

from __future__ import annotations

from collections.abc import Mapping

from recdrop.service.resources.lifecycle import Course

BORN = "be"

COURSES: Mapping[str, Course] = {
    "create": Course("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"),
    # Seen: no CREATE IN_PROGRESS. Its documents know DELETE PENDING alone.
    "found": Course("CREATE PENDING", "CREATE PENDING", "ACTIVE"),
    "dissolve": Course("DELETE PENDING", "DELETE PENDING", None, "DELETE FAILED"),
    # Seen: there is nothing to wait for.
    BORN: Course("ACTIVE", None, "ACTIVE"),
    "delete": Course("DELETE PENDING", "DELETE IN_PROGRESS", None, "DELETE FAILED"),
    "stop": Course("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE"),
    "start": Course("START PENDING", "START IN_PROGRESS", "ACTIVE"),
    "halt": Course("CREATE STOPPING", "CREATE STOPPING", "CREATE STOPPED"),
    "erase": Course("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"),
    "retrain": Course("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"),
}

COMING = ("CREATE PENDING", "CREATE IN_PROGRESS")
PENDING = frozenset({"CREATE PENDING", "CREATE IN_PROGRESS", "PENDING", "IN_PROGRESS"})
