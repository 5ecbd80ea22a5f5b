"""The rules that keep the house honest (design, section 2), each as a test."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def imports(package: str) -> Iterator[tuple[str, str]]:
    """(file, imported module) of every import below a package, at whatever depth."""
    for path in (PROJECT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((str(path), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield str(path), node.module


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        (
            "chalicelib",
            (
                "recdrop",
                "infrastructure",
                "benchmarks",
                "tests",
                "moto",
                "numpy",
                "scipy",
                "click",
                "jinja2",
            ),
        ),
        ("recdrop/recommender", ("boto3", "botocore", "chalicelib", "moto", "duckdb", "chalice")),
    ],
)
def test_what_ships_is_an_island(package: str, forbidden: tuple[str, ...]) -> None:
    assert [
        (file, name) for file, name in imports(package) if name.split(".")[0] in forbidden
    ] == []


def test_only_one_module_of_chalicelib_makes_clients() -> None:
    found = {
        Path(file).name for file, name in imports("chalicelib") if name.split(".")[0] == "boto3"
    }
    assert found == {"clients.py"}


def test_importing_the_app_pulls_in_nothing_heavy() -> None:
    script = "import sys, app; print([m for m in ('boto3', 'numpy', 'duckdb', 'moto', 'scipy') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# -- the template ----------------------------------------------------------------------------------


def resources() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PROJECT / "infrastructure" / "resources.json").read_text())[
        "Resources"
    ]
    return found


def test_every_function_has_a_policy_file_of_its_own() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    functions = config["stages"]["prod"]["lambda_functions"]
    files = [entry["iam_policy_file"] for entry in functions.values()]
    assert len(set(files)) == len(files)
    assert not config["autogen_policy"]
    names = re.findall(r'(?<!_)name="(\w+)"', (PROJECT / "app.py").read_text())
    assert functions.keys() == {*names, "api_handler"}
    assert all((PROJECT / ".chalice" / file).is_file() for file in files)


def test_nothing_may_delete_and_only_two_functions_may_update_a_campaign() -> None:
    policies = {
        path.stem: path.read_text() for path in (PROJECT / ".chalice" / "policies").glob("*.json")
    }
    assert [name for name, text in policies.items() if "personalize:Delete" in text] == []
    assert {name for name, text in policies.items() if "UpdateCampaign" in text} == {
        "update_campaign",
        "roll_back",
    }


def test_a_role_is_passed_to_personalize_and_to_nobody_else() -> None:
    for path in (PROJECT / ".chalice" / "policies").glob("*.json"):
        for statement in json.loads(path.read_text())["Statement"]:
            if "iam:PassRole" in statement["Action"]:
                assert statement["Resource"] == [{"Fn::GetAtt": ["PersonalizeRole", "Arn"]}], path
                assert statement["Condition"] == {
                    "StringEquals": {"iam:PassedToService": "personalize.amazonaws.com"}
                }, path


def test_buckets_are_private_encrypted_and_tls_only() -> None:
    for name in ("DropBucket", "WorkBucket"):
        properties = resources()[name]["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in properties
        statements = resources()[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert any(
            s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for s in statements
        )


def test_personalize_is_trusted_only_for_this_account() -> None:
    trust = resources()["PersonalizeRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
    batch = resources()["WorkBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][-1]
    for statement in (trust, batch):
        assert statement["Condition"]["StringEquals"] == {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"}
        }
        assert "aws:SourceArn" in statement["Condition"]["ArnLike"]
    assert "s3:PutObject" in batch["Action"]
