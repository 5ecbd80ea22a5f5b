"""The first program of docs/personalize.md runs as it stands there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "personalize.md"


def test_the_first_recommendation_of_the_page(tmp_path: Path) -> None:
    program = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PAGE.parents[1]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    items = ast.literal_eval(done.stdout)
    assert len(items) == 5
    assert {int(item[1:]) % 4 for item in items} == {1}
