from __future__ import annotations

from recdrop.recommender.engine.effort import Effort


def test_more_budget_looks_further() -> None:
    usual, wide = Effort.of(30, hpo=False), Effort.of(30, hpo=True)
    for bound in ("tried_head", "head", "rounds", "events", "truths"):
        assert getattr(wide, bound) > getattr(usual, bound), bound
    assert Effort.of(3, hpo=False).events < usual.events
