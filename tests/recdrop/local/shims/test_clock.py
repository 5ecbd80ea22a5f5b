"""Scaled waits."""

from __future__ import annotations

import threading
import time

import pytest

from recdrop.local.shims.clock import Clock


def test_waits_are_divided_by_the_scale() -> None:
    began = time.monotonic()
    Clock(1000).wait_while(lambda: True, threading.Event(), 50)
    assert 0.04 < time.monotonic() - began < 50


def test_a_wait_ends_when_there_is_nothing_to_wait_for() -> None:
    wake = threading.Event()
    running = [True]

    def stop() -> None:
        running[0] = False
        wake.set()
        wake.clear()

    threading.Timer(0.05, stop).start()
    Clock().wait_while(lambda: running[0], wake, 3600)
    assert not running[0]


def test_a_scale_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Time scale is 0\. Expected a number above 0"):
        Clock(0)
