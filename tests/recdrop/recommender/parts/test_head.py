from __future__ import annotations

from recdrop.recommender.data.histories import histories
from recdrop.recommender.parts.head import choose_head
from tests.recdrop.recommender.worlds import weekly_shoppers


def test_the_head_is_what_is_used_most() -> None:
    data = weekly_shoppers(6)
    head = choose_head(histories(data), len(data.item_ids), 3)
    assert head.items.tolist() == [0, 1, 2]
    assert head.place.tolist() == [0, 1, 2, -1, -1, -1]
