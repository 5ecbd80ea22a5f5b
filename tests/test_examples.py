from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.config import loading
from recdrop.personalize.filters import expressions as filters

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*/recdrop.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_example_config_is_valid_and_so_are_its_filters(path: Path) -> None:
    config = loading.load(path.read_text(), path.parent.name)
    assert config.trained
    for entry in config.filter:
        filters.parse(entry.expression)
