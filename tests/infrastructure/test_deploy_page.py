"""docs/deploy.md: what is not marked as AWS's runs on the local CloudFormation, line by line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from infrastructure.package import PROJECT
from infrastructure.stacks import Stack
from recdrop.local.stack import Stack as LocalAws

PAGE = PROJECT / "docs" / "deploy.md"
AWS_ONLY = "# AWS"


def commands() -> list[str]:
    """The commands of the page, in order."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


def test_every_command_that_is_not_awss_runs_here(aws: LocalAws, tmp_path: Path) -> None:
    ours = [line for line in commands() if not line.endswith(AWS_ONLY)]
    assert len(ours) < len(commands())
    (tmp_path / "orders.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP\nu1,i1,1700000000\n")
    # The page's endpoint has the port of `make up`; make runs in the clone, the rest beside the export.
    script = "\n".join(
        line.replace("http://127.0.0.1:4566", aws.aws_url).replace("make ", f"make -C {PROJECT} ")
        for line in ours
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MAKEFLAGS": "", "MAKELEVEL": ""}
    ran = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("Stack 'recdrop-prod' is deployed.") == 2
    assert "/shop/interactions/orders.csv" in ran.stdout
    assert "/aws/lambda/recdrop-prod-Train" in ran.stdout
    assert "Stack 'recdrop-prod' is gone." in ran.stdout
    assert Stack("recdrop-prod", aws.boto_client).describe() is None


def test_every_parameter_is_on_the_page_with_its_default() -> None:
    text = (PROJECT / "infrastructure" / "resources.json").read_text()
    parameters = json.loads(text)["Parameters"]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == {name: str(p["Default"]) for name, p in parameters.items()}
