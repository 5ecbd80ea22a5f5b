"""What Lambdas print, kept by function."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from recdrop.local.lambdas.host import CURRENT
from recdrop.local.lambdas.logs import LogStore, Router


def test_lines_of_a_lambda_are_kept_whole_and_others_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = io.StringIO()
    monkeypatch.setattr(sys, "stdout", outside)
    store = LogStore()
    restore = Router(store).install()
    print("before")
    token = CURRENT.set(("shop-Train", "r1"))
    sys.stdout.write("one\ntw")
    sys.stdout.write("o\n\n")
    CURRENT.reset(token)
    print("after")
    restore()
    assert sys.stdout is outside
    assert outside.getvalue() == "before\nafter\n"
    assert [(line.function, line.text) for line in store.after(0)] == [
        ("shop-Train", "one"),
        ("shop-Train", "two"),
    ]


def test_a_logger_may_hold_on_to_a_router_whose_stack_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = io.StringIO()
    monkeypatch.setattr(sys, "stdout", outside)
    restore = Router(LogStore()).install()
    held = sys.stdout
    restore()
    token = CURRENT.set(("shop-Train", "r1"))
    held.write("late\n")
    CURRENT.reset(token)
    assert outside.getvalue() == "late\n"


def test_lines_are_found_by_number_function_and_text() -> None:
    store = LogStore()
    for number in range(5):
        store.add("shop-Train" if number % 2 else "shop-Score", "r", f"run-{number}")
    assert [line.text for line in store.after(2, "train")] == ["run-3"]
    assert [line.text for line in store.after(0, contains="run-4")] == ["run-4"]
    assert [line.number for line in store.after(0, limit=2)] == [4, 5]


def test_lines_are_written_to_a_file(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "lambda.log.jsonl")
    store.add("shop-Train", "r1", "hello")
    store.close()
    assert json.loads((tmp_path / "lambda.log.jsonl").read_text())["text"] == "hello"
