from __future__ import annotations

import numpy as np
import pytest

from recdrop.recommender import Column, TrainingData


def test_rows_become_codes_into_sorted_ids() -> None:
    data = TrainingData.from_rows(["u2", "u1"], ["b", "a"], [5, 6])
    assert data.user_ids.tolist() == ["u1", "u2"]
    assert data.item[0] == 1
    assert data.user.dtype == np.int32


def test_metadata_brings_ids_without_interactions() -> None:
    data = TrainingData.from_rows(
        ["u"], ["a"], [1], item_columns={"GENRE": ("categorical", {"cold": "x"})}
    )
    assert data.item_ids.tolist() == ["a", "cold"]
    assert data.items["GENRE"].values.tolist() == [None, "x"]


def test_unsorted_ids_are_refused_and_named() -> None:
    ids = np.array(["b", "a"], dtype=object)
    with pytest.raises(
        ValueError, match=r"item_ids has 'b' before 'a'\. Expected unique, sorted ids"
    ):
        TrainingData(
            np.array(["u"], dtype=object), ids, np.array([0]), np.array([0]), np.array([1])
        )


def test_a_code_outside_the_ids_is_refused_and_named() -> None:
    ids = np.array(["u"], dtype=object)
    with pytest.raises(ValueError, match=r"item holds code 7"):
        TrainingData(ids, ids, np.array([0]), np.array([7]), np.array([1]))


def test_an_infinite_event_value_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match=r"event_value has value inf in row 1"):
        TrainingData.from_rows(["u", "u"], ["a", "b"], [1, 2], event_values=[1.0, float("inf")])


def test_an_infinite_price_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match=r"PRICE has value -inf in row 0"):
        TrainingData.from_rows(
            ["u"], ["a"], [1], item_columns={"PRICE": ("number", {"a": float("-inf")})}
        )


def test_a_timestamp_that_is_not_whole_is_refused() -> None:
    ids = np.array(["u"], dtype=object)
    with pytest.raises(ValueError, match=r"timestamp has dtype float64"):
        TrainingData(ids, ids, np.array([0]), np.array([0]), np.array([float("nan")]))


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"DEVICE has 2 values. Expected 1"):
        TrainingData.from_rows(
            ["u"],
            ["a"],
            [1],
            context={"DEVICE": Column("categorical", np.array(["x", "y"], dtype=object))},
        )


def test_an_unknown_column_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Column kind has value 'date'"):
        Column("date", np.zeros(1))  # type: ignore[arg-type]
