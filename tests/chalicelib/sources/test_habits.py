from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.sources.habits import NOTHING, Habits


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_habit_that_a_tool_does_not_have_is_seen_in_no_name(name: str) -> None:
    plain = Habits("plain")
    assert NOTHING.search(name) is None
    assert [plain.commit.search(name), plain.manifest.search(name), plain.unload.search(name)] == [
        None,
        None,
        None,
    ]
    assert name not in plain.markers
