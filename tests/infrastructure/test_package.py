"""What is packaged is what ships: the template, the code and the layer agree."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from infrastructure.package import clean_source, locked_version, merge_template
from recdrop.local import statemachine

PIPELINE = Path(__file__).resolve().parents[2] / "statemachines" / "pipeline.asl.json"


def test_the_state_machine_is_inlined_with_its_policies_written_out() -> None:
    properties = merge_template()["Resources"]["Pipeline"]["Properties"]
    assert "DefinitionUri" not in properties
    assert properties["Definition"] == statemachine.read(PIPELINE)
    rules = [
        r for _, s in statemachine.states(properties["Definition"]) for r in s.get("Retry", ())
    ]
    assert rules
    assert all("ErrorEquals" in rule for rule in rules)


def test_the_layer_is_made_for_the_python_that_the_functions_get() -> None:
    from chalice.config import Config

    layer = merge_template()["Resources"]["DuckdbLayer"]["Properties"]
    assert layer["CompatibleRuntimes"] == [Config().lambda_python_version]
    assert layer["CompatibleRuntimes"] == [f"python3.{sys.version_info.minor}"]


def test_only_what_ships_is_packed(tmp_path: Path) -> None:
    clean_source(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "app.py",
        "chalicelib",
        ".chalice",
        "requirements.txt",
    }
    assert {path.name for path in (tmp_path / ".chalice").iterdir()} == {"config.json", "policies"}
    assert list(tmp_path.rglob("__pycache__")) == []


def test_a_package_that_is_not_locked_is_named() -> None:
    assert locked_version("duckdb")[0].isdigit()
    with pytest.raises(click.ClickException, match="has no 'duck'"):
        locked_version("duck")
