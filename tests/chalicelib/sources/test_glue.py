from __future__ import annotations

from chalicelib.sources.adapter import Seen
from chalicelib.sources.glue import ADAPTER


def test_a_run_of_today_has_a_time_in_its_name() -> None:
    assert ADAPTER.why(Seen(["run-1558198402129-part-r-00003.gz"]))
    assert ADAPTER.why(Seen(["run-7-part-r-00003"])) is None
