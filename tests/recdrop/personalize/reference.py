"""A small model of the lifecycle, written independently of the service: every status is a function
of elapsed time.

With one second pending and one in progress, a thing made at `t` is CREATE PENDING before `t+1`,
CREATE IN_PROGRESS before `t+2`, then ACTIVE; deleted at `t` it is DELETE PENDING, DELETE
IN_PROGRESS, gone. A dataset group has no IN_PROGRESS, a solution is ACTIVE from the first moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field

IN_USE, INVALID, MISSING, EXISTS = (
    "ResourceInUseException",
    "InvalidInputException",
    "ResourceNotFoundException",
    "ResourceAlreadyExistsException",
)
STATES = {
    "create": ("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"),
    "delete": ("DELETE PENDING", "DELETE IN_PROGRESS", None),
    "found": ("CREATE PENDING", "CREATE PENDING", "ACTIVE"),
    "dissolve": ("DELETE PENDING", "DELETE PENDING", None),
    "halt": ("CREATE STOPPING", "CREATE STOPPING", "CREATE STOPPED"),
    "stopped": ("CREATE STOPPED",) * 3,
    "none": ("ACTIVE",) * 3,
}
COURSES = {"Schema": "none", "Solution": "none", "DatasetGroup": "found"}
# What is made in a parent that is not ACTIVE yet.
EARLY = ("Dataset", "DatasetImportJob")


@dataclass
class Thing:
    noun: str
    name: str
    parent: str = ""
    course: str = "create"
    since: int = 0
    serving: str = ""
    update: tuple[int, str] | None = None
    fails: bool = False


@dataclass
class Reference:
    """Names are unique over all nouns. Each method answers the error code expected, or None."""

    now: int = 0
    things: dict[str, Thing] = field(default_factory=dict)
    imports_quota: int = 5

    def status(self, name: str) -> str | None:
        thing = self.things.get(name)
        if thing is None:
            return None
        states = STATES[thing.course]
        status = states[min(self.now - thing.since, 2)]
        return "CREATE FAILED" if status == "ACTIVE" and thing.fails else status

    def update_status(self, name: str) -> str | None:
        update = self.things[name].update
        return STATES["create"][min(self.now - update[0], 2)] if update else None

    def serving(self, name: str) -> str:
        thing = self.things[name]
        return (
            thing.update[1]
            if thing.update and self.update_status(name) == "ACTIVE"
            else thing.serving
        )

    def advance(self) -> None:
        self.now += 1
        for thing in self.things.values():
            if thing.update and self.update_status(thing.name) == "ACTIVE":
                thing.serving, thing.update = thing.update[1], thing.update
        self.things = {
            name: thing for name, thing in self.things.items() if self.status(name) is not None
        }
        gone = {
            name
            for name, thing in self.things.items()
            if thing.noun == "SolutionVersion" and thing.parent not in self.things
        }
        self.things = {name: thing for name, thing in self.things.items() if name not in gone}

    def children(self, name: str, *nouns: str) -> list[Thing]:
        return [
            thing for thing in self.things.values() if thing.parent == name and thing.noun in nouns
        ]

    def create(self, noun: str, name: str, parent: str = "", *, fails: bool = False) -> str | None:
        if name in self.things:
            return EXISTS
        problem = self._cannot_create(noun, parent)
        if problem is None:
            course = COURSES.get(noun, "create")
            holder = self.things[parent].parent if noun == "Campaign" else parent
            serving = parent if noun == "Campaign" else ""
            self.things[name] = Thing(noun, name, holder, course, self.now, serving, fails=fails)
        return problem

    def _cannot_create(self, noun: str, parent: str) -> str | None:
        if parent and parent not in self.things:
            return MISSING
        is_early = noun in EARLY and self._is_pending(parent)
        if parent and self.status(parent) != "ACTIVE" and not is_early:
            return self._not_active(parent)
        if noun == "Campaign" and self.status(self.things[parent].parent) != "ACTIVE":
            return self._not_active(self.things[parent].parent)
        if noun == "SolutionVersion":
            group = self.things[parent].parent
            datasets = [
                thing.name
                for thing in self.children(group, "Dataset")
                if self.status(thing.name) == "ACTIVE"
            ]
            if not any(self._has_data(dataset) for dataset in datasets):
                return INVALID
        pending = [
            thing
            for thing in self.things.values()
            if thing.noun == "DatasetImportJob" and self._is_pending(thing.name)
        ]
        if noun == "DatasetImportJob" and len(pending) >= self.imports_quota:
            return "LimitExceededException"
        return None

    def _not_active(self, name: str) -> str:
        """What is on its way somewhere is in use; what failed or was stopped is bad input."""
        return INVALID if self.status(name) in ("CREATE FAILED", "CREATE STOPPED") else IN_USE

    def _has_data(self, dataset: str) -> bool:
        return any(
            self.status(job.name) == "ACTIVE" for job in self.children(dataset, "DatasetImportJob")
        )

    def _is_pending(self, name: str) -> bool:
        return self.status(name) in ("CREATE PENDING", "CREATE IN_PROGRESS")

    def delete(self, name: str) -> str | None:
        thing = self.things.get(name)
        if thing is None:
            return MISSING
        if self.status(name) not in ("ACTIVE", "CREATE FAILED") or self._is_in_use(thing):
            return IN_USE
        # The record of its last update is shown until the end.
        course = "dissolve" if thing.noun == "DatasetGroup" else "delete"
        thing.course, thing.since, thing.fails = course, self.now, False
        return None

    def _is_in_use(self, thing: Thing) -> bool:
        name = thing.name
        if thing.noun == "DatasetGroup":
            return bool(self.children(name, "Dataset", "Solution"))
        if thing.noun == "Dataset":
            versions = [
                v
                for s in self.children(thing.parent, "Solution")
                for v in self.children(s.name, "SolutionVersion")
            ]
            return any(
                self._is_pending(job.name)
                for job in (*self.children(name, "DatasetImportJob"), *versions)
            )
        if thing.noun == "Solution":
            versions = self.children(name, "SolutionVersion")
            return bool(self.children(name, "Campaign")) or any(
                self._is_pending(version.name) for version in versions
            )
        return self.update_status(name) in ("CREATE PENDING", "CREATE IN_PROGRESS")

    def stop(self, name: str) -> str | None:
        if name not in self.things:
            return MISSING
        course = {"CREATE PENDING": "stopped", "CREATE IN_PROGRESS": "halt"}.get(
            self.status(name) or ""
        )
        if course is None:
            return IN_USE if self.status(name) == "CREATE STOPPING" else INVALID
        self.things[name].course, self.things[name].since, self.things[name].fails = (
            course,
            self.now,
            False,
        )
        return None

    def update_campaign(self, name: str, version: str) -> str | None:
        if name not in self.things:
            return MISSING
        campaign = self.things[name]
        if self.status(name) not in ("ACTIVE", "CREATE FAILED"):
            return IN_USE
        if version not in self.things:
            return MISSING
        if self.status(version) != "ACTIVE":
            return self._not_active(version)
        if self.things[version].parent != campaign.parent:
            return INVALID
        if self.update_status(name) in ("CREATE PENDING", "CREATE IN_PROGRESS"):
            return IN_USE
        campaign.update = (self.now, version)
        return None
