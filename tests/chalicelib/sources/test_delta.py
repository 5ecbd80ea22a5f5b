from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.delta import ADAPTER


def test_the_log_gives_it_away_and_its_checkpoints_need_not() -> None:
    log = "items/_delta_log/00000000000000000010"
    assert ADAPTER.why(Seen([f"{log}.json"]))
    assert ADAPTER.why(Seen([f"{log}.checkpoint.parquet"])) is None
