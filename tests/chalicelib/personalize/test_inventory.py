from __future__ import annotations

from chalicelib.runs import Run


def test_what_a_group_holds_is_listed_by_name(promoted: Run) -> None:
    found = promoted.context.personalize.names_in_group(promoted.group)
    assert found["campaigns"] >= {"promoted-for-you", "promoted-similar"}
    assert found["solutions"] >= {"promoted-for-you", "promoted-similar"}
    assert found["recommenders"] == frozenset()
    assert any(name.startswith("promoted-tea-only-") for name in found["filters"])
