from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.delta import ADAPTER, is_log, table, version


def test_the_log_gives_it_away_and_its_checkpoints_need_not() -> None:
    log = "items/_delta_log/00000000000000000010"
    assert ADAPTER.why(Seen([f"{log}.json"]))
    assert ADAPTER.why(Seen([f"{log}.checkpoint.parquet"])) is None


def test_an_entry_of_the_log_belongs_to_a_table_and_makes_a_version() -> None:
    entry = "shop/items/_delta_log/00000000000000000010.json"
    assert (is_log(entry), table(entry), version(entry)) == (True, "shop/items/", 10)
    assert not is_log("shop/items/_delta_log/_last_checkpoint")
