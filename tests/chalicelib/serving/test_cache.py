"""What the cache keeps, for how long, and what an event of a user does to it."""

from __future__ import annotations

from chalicelib.serving.cache import Cache
from tests.chalicelib.house import Clock


def make_cache(clock: Clock, size: int = 100) -> Cache[str]:
    return Cache(clock, ttl=10, size=size)


def test_a_value_is_kept_for_its_time() -> None:
    clock = Clock()
    cache = make_cache(clock)
    cache.put("u1", "key", "value", clock())
    clock.seconds += 9.9
    assert cache.get("u1", "key") == "value"
    clock.seconds += 0.2
    assert cache.get("u1", "key") is None


def test_forgetting_an_owner_leaves_the_others() -> None:
    clock = Clock()
    cache = make_cache(clock)
    cache.put("u1", "key", "a", clock())
    cache.put("u2", "key", "b", clock())
    cache.forget("u1")
    assert cache.get("u1", "key") is None
    assert cache.get("u2", "key") == "b"


def test_an_answer_asked_for_before_the_event_is_not_kept_after_it() -> None:
    clock = Clock()
    cache = make_cache(clock)
    asked_at = clock()
    clock.seconds += 0.1
    cache.forget("u1")
    clock.seconds += 0.1
    cache.put("u1", "key", "old", asked_at)
    assert cache.get("u1", "key") is None
    cache.put("u1", "key", "new", clock())
    assert cache.get("u1", "key") == "new"


def test_the_oldest_values_make_room() -> None:
    clock = Clock()
    cache = make_cache(clock, size=2)
    for number in range(3):
        cache.put("u1", number, str(number), clock())
    assert [cache.get("u1", number) for number in range(3)] == [None, "1", "2"]
