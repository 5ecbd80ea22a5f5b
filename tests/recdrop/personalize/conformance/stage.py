"""The life of all resources, lived once per test run and shared between the processes of
pytest-xdist.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from recdrop.personalize.control.quotas import load_quotas
from recdrop.personalize.server import PersonalizeServer
from recdrop.service.resources.clock import ManualClock
from recdrop.service.resources.quotas import Quotas
from tests.recdrop.personalize.conformance.bucket import serve_bucket
from tests.recdrop.personalize.conformance.client import Client, RefusedError
from tests.recdrop.personalize.conformance.life import Life, Record, exports

WITHOUT_QUOTAS = load_quotas().switched_off().adjusted({"tags_per_resource": 50})


@dataclass(frozen=True)
class Stage:
    """`built` is the data directory at the moment when everything existed; `objects` the keys the
    jobs wrote.
    """

    built: Path
    record: Record
    objects: dict[str, str]


def stage_in(folder: Path) -> Stage:
    """The stage in `folder`, made by whoever comes first."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = folder / "record.json"
        if not told.exists():
            told.write_text(json.dumps(_live(folder)))
        record, objects = json.loads(told.read_text())
    return Stage(folder / "built", Record(**record), objects)


def _live(folder: Path) -> tuple[object, dict[str, str]]:
    objects = exports()
    record = Record()
    with serve_bucket(objects) as endpoint:

        def play(*chapters: Callable[[Life], None]) -> None:
            with _server(folder / "data", endpoint) as server:
                life = Life(Client(server), record)
                for chapter in chapters:
                    chapter(life)

        try:
            play(Life.build)
            shutil.copytree(folder / "data", folder / "built")
            play(Life.live, Life.tear_down)
        except (RefusedError, AssertionError) as error:
            record.failure = str(error)
    written = {key: body.decode() for key, body in objects.items() if key.startswith("out/")}
    return asdict(record), written


@contextmanager
def _server(data_dir: Path, endpoint: str) -> Iterator[PersonalizeServer]:
    server = PersonalizeServer(
        data_dir, s3_endpoint=endpoint, latency="instant", slots=1, training_seconds=1
    )
    try:
        yield server
    finally:
        server.close()


class Frozen(Client):
    """A client of a server whose time stands still but for `let_pass`.

    Its jobs begin, and never end.
    """

    def __init__(self, server: PersonalizeServer, clock: ManualClock) -> None:
        super().__init__(server)
        self._clock = clock
        self._take_due_steps = server.engine.take_due_steps

    def let_pass(self, seconds: float) -> None:
        self._clock.advance(seconds)
        self._take_due_steps()


@contextmanager
def freeze(
    data_dir: Path, quotas: Quotas | None = None, *, strict: bool = False
) -> Iterator[Frozen]:
    clock = ManualClock(time.time())
    server = PersonalizeServer(
        data_dir, s3_endpoint=None, clock=clock, quotas=quotas, strict=strict, threads=False
    )
    try:
        yield Frozen(server, clock)
    finally:
        server.close()


@contextmanager
def copy_of(
    stage: Stage, folder: Path, quotas: Quotas | None = None, *, strict: bool = False
) -> Iterator[Frozen]:
    """Everything as built, in a copy of its own."""
    shutil.copytree(stage.built, folder / "data")
    with freeze(folder / "data", quotas, strict=strict) as client:
        yield client
