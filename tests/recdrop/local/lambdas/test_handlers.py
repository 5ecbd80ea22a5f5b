"""Finding a handler, and making it safe for threads."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from recdrop.local.lambdas.function import Function
from recdrop.local.lambdas.host import LambdaHost
from recdrop.local.stack import Stack
from tests.recdrop.conftest import fetch


def test_a_handler_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "nothing_here.py").write_text("")
    with pytest.raises(TypeError, match=r"nothing_here\.work"):
        LambdaHost().deploy([Function("a", "nothing_here.work")], tmp_path)


def test_concurrent_requests_see_their_own(stack: Stack) -> None:
    seen: dict[str, Any] = {}

    def ask(name: str) -> None:
        seen[name] = json.loads(fetch(f"{stack.api_url}/hello/{name}?sleep=0.05")[2])["seen"]

    threads = [threading.Thread(target=ask, args=(f"n{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {f"n{n}": f"n{n}" for n in range(12)}
