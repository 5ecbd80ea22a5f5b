from __future__ import annotations

import numpy as np

from recdrop.recommender import Column
from recdrop.recommender.parts.lifts import Lifts, learn_lifts, row_values

DEVICES = Column("categorical", np.array(["phone", "phone", "desktop", "desktop"] * 25))
HOURS = Column("number", np.array([8.0, 9.0, 20.0, 21.0] * 25))
ITEMS = np.array([0, 0, 1, 2] * 25)


def _lifts(**columns: Column) -> Lifts:
    return learn_lifts(columns, np.arange(100), ITEMS, np.ones(100, dtype=np.float32), 4)


def _of(lifts: Lifts, **values: str) -> list[float]:
    found = lifts.of(values)
    assert found is not None
    return [float(value) for value in found]


def test_what_is_used_more_than_usual_under_a_value_is_lifted() -> None:
    phone = _of(_lifts(DEVICE=DEVICES), DEVICE="phone")
    assert phone[0] > 0.2
    assert phone[1] < -0.5


def test_an_item_nobody_used_is_neither_lifted_nor_lowered() -> None:
    assert abs(_of(_lifts(DEVICE=DEVICES), DEVICE="phone")[3]) < 1e-6


def test_numbers_are_looked_up_by_their_band() -> None:
    lifts = _lifts(HOUR=HOURS)
    assert _of(lifts, HOUR="8.5")[0] > 0 > _of(lifts, HOUR="23")[0]


def test_values_that_are_not_known_say_nothing() -> None:
    lifts = _lifts(DEVICE=DEVICES, HOUR=HOURS)
    assert lifts.of({"DEVICE": "watch", "HOUR": "noon", "MOOD": "good"}) is None


def test_values_of_several_columns_add_up() -> None:
    lifts = _lifts(DEVICE=DEVICES, HOUR=HOURS)
    both = _of(lifts, DEVICE="phone", HOUR="8")
    apart = np.add(_of(lifts, DEVICE="phone"), _of(lifts, HOUR="8"))
    np.testing.assert_allclose(both, apart, rtol=1e-6)


def test_lifts_survive_their_arrays() -> None:
    lifts = _lifts(DEVICE=DEVICES, HOUR=HOURS)
    again = Lifts.from_arrays(lifts.arrays("context"), "context")
    assert _of(again, DEVICE="desktop", HOUR="20") == _of(lifts, DEVICE="desktop", HOUR="20")


def test_text_columns_and_no_columns_make_no_lifts() -> None:
    text = Column("text", np.array(["a story"] * 100, dtype=object))
    assert len(_lifts(PLOT=text).table) == 0
    assert _lifts().of({"DEVICE": "phone"}) is None


def test_the_values_of_a_row_leave_out_what_is_missing() -> None:
    columns = {
        "A": Column("categorical", np.array([None, "x"], dtype=object)),
        "B": Column("number", np.array([np.nan, 2.0])),
    }
    assert row_values(columns, 0) == {}
    assert row_values(columns, 1) == {"A": "x", "B": "2.0"}
