from __future__ import annotations

import pytest

from chalicelib.vocabulary.datasets import DATASETS, IDS, Dataset


@pytest.mark.parametrize(
    ("name", "wire", "record"),
    [
        ("interactions", "Interactions", "Interactions"),
        ("action_interactions", "Action_Interactions", "ActionInteractions"),
    ],
)
def test_a_kind_has_the_names_that_the_api_and_its_schema_want(
    name: str, wire: str, record: str
) -> None:
    assert (DATASETS[name].wire, DATASETS[name].record) == (wire, record)


@pytest.mark.parametrize("kind", DATASETS.values(), ids=lambda kind: kind.name)
def test_a_key_is_a_required_id_and_no_column_is_both_required_and_reserved(kind: Dataset) -> None:
    assert not set(kind.required) & set(kind.reserved)
    if kind.key is not None:
        assert kind.key in kind.required
        assert kind.key in IDS


def test_rows_of_events_replace_nothing() -> None:
    assert [n for n, kind in DATASETS.items() if kind.key is None] == [
        "interactions",
        "action_interactions",
    ]
