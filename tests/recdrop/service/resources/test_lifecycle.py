"""The lifecycle and the engine on a made-up service: songs, which are rehearsed and then sung."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from recdrop.service.engine import Engine
from recdrop.service.errors import JobFailed
from recdrop.service.jobs.process import Outcome
from recdrop.service.resources.clock import ManualClock
from recdrop.service.resources.kinds import Kind
from recdrop.service.resources.latency import Latency
from recdrop.service.resources.lifecycle import Course, Fate, Lifecycle, fated
from recdrop.service.resources.quotas import Quotas
from recdrop.service.resources.store import Resource, Step, Store, Transaction
from recdrop.service.resources.world import Settings, World

COURSES = {"create": Course("Waiting", "Rehearsing", "Sung", "Hissed")}
SONG = "arn:song"
LATENCY = Latency(pending=1, in_progress=2)
Concert = World[Settings]


def rehearse(_world: Concert, song: Resource) -> Mapping[str, Any]:
    if song.doc["name"] == "silence":
        raise JobFailed("There is nothing to rehearse.")
    return {"song": song.doc["name"]}


def sung(_world: Concert, song: Resource, result: Mapping[str, Any]) -> Resource:
    return song.with_doc(applause=result["applause"])


KINDS: Mapping[str, Kind[Concert]] = {
    "Song": Kind("Song", "song", jobs={"create": rehearse}, done={"create": sung})
}


@dataclass
class Choir:
    orders: list[Mapping[str, Any]] = field(default_factory=list)

    def run(self, folder: Path) -> Outcome:
        self.orders.append(json.loads((folder / "job.json").read_text()))
        return Outcome({"applause": 7})

    def stop(self) -> None:
        return None


@dataclass
class Stage:
    folder: Path

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.choir = Choir()
        self.store = Store(self.folder / "store.db", "CREATE TABLE IF NOT EXISTS halls (name TEXT)")
        self.settings = Settings(
            self.folder, None, "us-east-1", "1", 0, LATENCY, Quotas("2026-01-01", {})
        )
        self.lifecycle: Lifecycle[Concert] = Lifecycle(KINDS, COURSES, {})
        self.engine = Engine(
            self.folder,
            self.store,
            self.lifecycle,
            self.clock,
            self.world,
            lambda: self.choir,
            {"hall": "small"},
        )

    def world(self, tx: Transaction, now: float) -> Concert:
        return World(tx, now, self.settings, self.lifecycle)

    def begin(self, name: str, *, reason: str | None = None, seconds: float = 0) -> None:
        song = Resource(SONG, "Song", {"name": name})
        with self.store.transaction() as tx:
            song = fated(song, None, Fate(reason, seconds))
            self.lifecycle.start(self.world(tx, self.clock.now()), song, "create")

    def after(self, seconds: float) -> Mapping[str, Any]:
        self.clock.advance(seconds)
        self.engine.settle(self.choir)
        song = self.store.get(SONG)
        assert song is not None
        return song.doc


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.engine.close()


def test_a_resource_walks_the_services_own_course(stage: Stage) -> None:
    stage.begin("hymn")
    assert [stage.after(seconds)["status"] for seconds in (0, 1, 1, 1)] == [
        "Waiting",
        "Rehearsing",
        "Rehearsing",
        "Sung",
    ]
    assert stage.after(0)["applause"] == 7
    [order] = stage.choir.orders
    assert (order["song"], order["hall"]) == ("hymn", "small")


def test_a_job_that_cannot_begin_ends_in_the_courses_failure(stage: Stage) -> None:
    stage.begin("silence")
    song = stage.after(5)
    assert (song["status"], song["failureReason"]) == ("Hissed", "There is nothing to rehearse.")


def test_a_planned_failure_comes_without_the_work(stage: Stage) -> None:
    stage.begin("hymn", reason="Hoarse.")
    song = stage.after(5)
    assert (song["status"], song["failureReason"]) == ("Hissed", "Hoarse.")
    assert stage.choir.orders == []


def test_what_is_stuck_ends_as_usual_but_later(stage: Stage) -> None:
    stage.begin("hymn", seconds=10)
    assert [stage.after(seconds)["status"] for seconds in (1, 9, 4)] == [
        "Rehearsing",
        "Rehearsing",
        "Sung",
    ]


def test_a_step_that_nobody_knows_fails_its_resource_and_not_the_clock(stage: Stage) -> None:
    stage.begin("hymn")
    stage.after(1)
    stage.choir.orders.clear()
    stage.begin("hymn")
    with stage.store.transaction() as tx:
        tx.execute("DELETE FROM steps")
        tx.put(Resource(SONG, "Song", {"name": "hymn", "status": "Rehearsing"}))
        tx.schedule(Step(stage.clock.now(), SONG, "dance"))
    song = stage.after(0)
    assert song["status"] == "Hissed"
    assert "server's log" in song["failureReason"]
    assert stage.engine.take_due_steps() == 0
