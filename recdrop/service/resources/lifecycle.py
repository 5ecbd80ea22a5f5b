"""The states of resources and how they follow one another on the clock.

A *course* is a walk through three states. The first is set at once, the others by steps that fall
due on the clock. A course with a job waits for its worker between the second and the third. An
update walks a course on a nested record (`latestCampaignUpdate`), while the resource itself stays as
it is until the end.

Three members of a document are written here: `status`, `lastUpdatedDateTime` and, when something
failed, `failureReason`. A service that shows them under other names renames them in `Kind.show`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from recdrop.service.errors import JobFailed, ServiceError
from recdrop.service.resources.kinds import Kind, W
from recdrop.service.resources.store import Job, Resource, Step, Transaction
from recdrop.service.resources.world import World


@dataclass(frozen=True)
class Fate:
    """What a plan of faults has in store for what a request begins.

    `failure` is the reason for which it fails, `seconds` how much longer than usual it takes.
    """

    failure: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Course:
    """Three states, and the one that a failure leads to. `end` None: the resource is gone.

    `second` None: the first state is the end, and nothing is waited for.
    """

    first: str
    second: str | None
    end: str | None
    failed: str = "CREATE FAILED"


Action = Callable[[W, Resource, Mapping[str, Any]], None]
# Told of a resource whose course has ended, and the time.
Ended = Callable[[Resource, float], None]


class Lifecycle(Generic[W]):
    """Moves resources along their courses.

    `actions` are the steps that only some kinds have, such as automatic training. `ended` is told
    of every resource that has come to the end of a course, or failed.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind[W]],
        courses: Mapping[str, Course],
        actions: Mapping[str, Action[W]],
        ended: Ended = lambda _resource, _now: None,
    ) -> None:
        self._kinds = kinds
        self._courses = courses
        self._actions = actions
        self._ended = ended

    def start(
        self, world: World[Any], resource: Resource, course: str, update: str | None = None
    ) -> Resource:
        """Sets the first state and schedules the second.

        `update` names the nested record that walks; None: the resource itself does.
        """
        if self._courses[course].second is None:
            return self._arrive(world, resource, course)
        pending, _ = world.settings.latency.of(resource.kind)
        resource = world.tx.put(
            _with_status(resource, update, self._courses[course].first, world.now)
        )
        world.tx.schedule(
            Step(world.now + pending, resource.arn, "proceed", {"course": course, "update": update})
        )
        return resource

    def _arrive(self, world: World[Any], resource: Resource, course: str) -> Resource:
        """A course without a way: the resource is at its end at once."""
        resource = _with_status(resource, None, self._courses[course].first, world.now)
        done = self._kinds[resource.kind].done.get(course)
        return world.tx.put(done(world, resource, {}) if done else resource)  # type: ignore[arg-type]

    def take(self, world: W, step: Step) -> None:
        """Takes a step that has become due; one whose resource is gone is nothing."""
        resource = world.tx.get(step.arn)
        if resource is None:
            return
        if step.action == "proceed":
            self._proceed(world, resource, step.payload)
        elif step.action == "finish":
            self._finish(world, resource, step.payload)
        else:
            self._actions[step.action](world, resource, step.payload)

    def settle(
        self, world: W, job: Job, result: Mapping[str, Any] | None, failure: str | None
    ) -> None:
        """A job's worker has ended: the course goes on, no earlier than the latency asks for."""
        resource = world.tx.get(job.arn)
        if resource is None or not self.is_awaited(resource, job):
            return
        in_progress = _in_progress(world, resource, job.payload["update"])
        due = max(world.now, float(job.payload["began"]) + in_progress)
        world.tx.schedule(
            Step(due, job.arn, job.step, {**job.payload, "result": result, "failure": failure})
        )

    def is_awaited(self, resource: Resource, job: Job) -> bool:
        """Whether the resource still waits for the job: it may have been stopped since."""
        return resource.status == self._courses[job.payload["course"]].second

    def give_up(self, tx: Transaction, arn: str, reason: str) -> None:
        """Ends the walk of a resource whose step cannot be taken: it fails, and says why."""
        resource = tx.get(arn)
        if resource is None:
            return
        for course in self._courses.values():
            # A course that ends where it is (a retraining) leaves a good resource behind.
            if course.second == resource.status != course.end:
                tx.put(resource.with_doc(status=course.failed, failureReason=reason))
                return

    def _proceed(self, world: W, resource: Resource, payload: Mapping[str, Any]) -> None:
        course, update = payload["course"], payload["update"]
        in_progress = _in_progress(world, resource, update)
        second = self._courses[course].second
        assert second is not None  # noqa: S101 - else no step would have been scheduled
        resource = world.tx.put(_with_status(resource, update, second, world.now))
        payload = {**payload, "began": world.now}
        make_job = self._kinds[resource.kind].jobs.get(course) if update is None else None
        if make_job is None or planned_failure(resource, update):
            world.tx.schedule(Step(world.now + in_progress, resource.arn, "finish", payload))
            return
        try:
            order = make_job(world, resource)
        except (JobFailed, ServiceError) as error:
            failure = {**payload, "failure": str(error)}
            world.tx.schedule(Step(world.now + in_progress, resource.arn, "finish", failure))
            return
        world.tx.add_job(Job(resource.arn, "finish", order, payload))

    def _finish(self, world: W, resource: Resource, payload: Mapping[str, Any]) -> None:
        course, update = self._courses[payload["course"]], payload["update"]
        failure = planned_failure(resource, update) or payload.get("failure")
        if failure is None:
            try:
                resource = self._complete(world, resource, payload)
            except (JobFailed, ServiceError) as error:
                failure = str(error)
        resource = resource.with_notes(planned_failure={}, planned_delay={})
        if failure is not None:
            resource = _with_status(
                resource, update, course.failed, world.now, failureReason=failure
            )
        elif course.end is None:
            world.tx.delete(resource)
            return
        else:
            resource = _with_status(resource, update, course.end, world.now)
        world.tx.put(resource)
        if update is None:
            self._ended(resource, world.now)

    def _complete(self, world: W, resource: Resource, payload: Mapping[str, Any]) -> Resource:
        kind, update = self._kinds[resource.kind], payload["update"]
        if update is not None:
            assert kind.update is not None  # noqa: S101 - only kinds with an update start one
            return kind.update.apply(world, resource, resource.doc[update])
        done = kind.done.get(payload["course"])
        return done(world, resource, payload.get("result") or {}) if done else resource


def fated(resource: Resource, update: str | None, fate: Fate) -> Resource:
    """The resource with what is planned for what it has begun (or for the update)."""
    if fate.failure is not None:
        resource = resource.with_notes(planned_failure={update or "": fate.failure})
    return resource.with_notes(planned_delay={update or "": fate.seconds})


def _in_progress(world: World[Any], resource: Resource, update: str | None) -> float:
    """Seconds in the second state, a planned delay included."""
    usual: float = world.settings.latency.of(resource.kind)[1]
    delay: float = resource.notes.get("planned_delay", {}).get(update or "", 0.0)
    return usual + delay


def planned_failure(resource: Resource, update: str | None) -> str | None:
    """The reason a fault plan has set for the job under way, if any."""
    reason = resource.notes.get("planned_failure", {}).get(update or "")
    return str(reason) if reason else None


def _with_status(
    resource: Resource, update: str | None, status: str, now: float, **more: Any
) -> Resource:
    change = {"status": status, "lastUpdatedDateTime": now, **more}
    if update is None:
        return resource.with_doc(**change)
    return resource.with_doc(**{update: {**resource.doc[update], **change}})
