from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recdrop.service.resources.store import Job, Resource, Step, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store.db")
    yield made
    made.close()


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as tx:
            tx.put(Resource("arn:a", "Schema", {"name": "a"}))
            tx.schedule(Step(1.0, "arn:a", "proceed"))
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()
    assert store.get("arn:a") is None
    with store.transaction() as tx:
        assert tx.take_step(10.0) is None


def test_others_see_a_change_only_when_it_is_committed(store: Store) -> None:
    with store.transaction() as tx:
        tx.put(Resource("arn:a", "Schema", {"name": "a"}))
        assert tx.get("arn:a") is not None
        assert store.get("arn:a") is None
    assert [resource.doc["name"] for resource in store.all("Schema")] == ["a"]


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    first = Store(tmp_path / "store.db")
    with first.transaction() as tx:
        tx.put(Resource("arn:b", "Schema", {"name": "b"}, {"note": 1}, {"team": "x"}))
        tx.put(Resource("arn:a", "Schema", {"name": "a"}))
        tx.schedule(Step(5.0, "arn:a", "proceed", {"course": "create"}))
        tx.add_job(Job("arn:a", "finish", {"work": "import"}))
    first.close()
    again = Store(tmp_path / "store.db")
    assert [resource.arn for resource in again.all("Schema")] == ["arn:b", "arn:a"], (
        "in the order of creation"
    )
    found = again.get("arn:b")
    assert found is not None
    assert (found.notes, found.tags) == ({"note": 1}, {"team": "x"})
    with again.transaction() as tx:
        assert tx.take_step(4.9) is None
        step = tx.take_step(5.0)
        assert step is not None
        assert step.payload == {"course": "create"}
        assert [job.spec for job in tx.jobs("queued")] == [{"work": "import"}]
    again.close()
