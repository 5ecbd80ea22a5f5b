from __future__ import annotations

from chalicelib.sources import segment
from chalicelib.vocabulary.datasets import DATASETS


def test_the_folder_of_raw_logs_is_one_of_interactions() -> None:
    assert segment.FOLDER in DATASETS["interactions"].folders


def test_a_day_of_logs_adds_to_the_days_before() -> None:
    assert segment.ADAPTER.data == "append"
