from __future__ import annotations

from pathlib import Path

from recdrop.service.jobs.sweeping import Sweeper
from recdrop.service.resources.store import Store


def test_what_nothing_refers_to_is_swept_after_a_while(tmp_path: Path) -> None:
    now = 0.0
    store = Store(tmp_path / "db")
    for name in ("1-1", "2-1"):
        (tmp_path / "jobs" / name).mkdir(parents=True)
    sweeper = Sweeper(store, tmp_path / "jobs", lambda: now)
    sweeper.sweep(busy=["2-1"])
    assert len(list((tmp_path / "jobs").iterdir())) == 2
    now = 61.0
    sweeper.sweep(busy=["2-1"])
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["2-1"]
    store.close()
