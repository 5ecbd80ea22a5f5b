from __future__ import annotations

from chalicelib.normalise.rows.filerules import SEGMENT_FIELDS, SEGMENT_LOGS
from chalicelib.sources import segment
from chalicelib.vocabulary.datasets import DATASETS


def test_the_adapter_and_the_normaliser_say_the_same() -> None:
    assert segment.ADAPTER.columns == SEGMENT_FIELDS
    assert segment.FOLDER == SEGMENT_LOGS
    assert segment.FOLDER in DATASETS["interactions"].folders


def test_a_day_of_logs_adds_to_the_days_before() -> None:
    assert segment.ADAPTER.data == "append"
