from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recdrop.recommender.data.ids import Ids

IDS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8)
QUICK = settings(max_examples=25, deadline=None, derandomize=True)


@QUICK
@given(st.sets(IDS, min_size=1, max_size=40), IDS)
def test_ids_are_found_where_they_are(values: set[str], other: str) -> None:
    ordered = np.array(sorted(values), dtype=object)
    ids = Ids.of(ordered)
    assert ids.values.tolist() == ordered.tolist()
    assert [ids.index(value) for value in ordered] == list(range(len(ordered)))
    assert ids.index(other) == (ordered.tolist().index(other) if other in values else None)
