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

from chalicelib import errors

PROJECT = Path(__file__).resolve().parent.parent
PIPELINE = PROJECT / "statemachines" / "pipeline.asl.json"
AWS_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
}


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


# -- the state machine -----------------------------------------------------------------------------


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(name, state, the machine it belongs to), Map processors included."""
    for name, state in machine["States"].items():
        yield name, state, machine
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


STATES = list(states(json.loads(PIPELINE.read_text())))
TASKS = [(name, state) for name, state, _ in STATES if state["Type"] == "Task"]


def test_every_error_that_the_state_machine_names_exists() -> None:
    names = {
        name
        for _, state in TASKS
        for rule in (*state["Retry"], *state.get("Catch", ()))
        for name in rule["ErrorEquals"]
    }
    ours = {name for name in names if not name.startswith("States.")} - AWS_ERRORS
    assert [
        name
        for name in ours
        if not issubclass(getattr(errors, name, type(None)), errors.RecdropError)
    ] == []


def test_every_target_exists_and_every_state_is_reached() -> None:
    for name, state, machine in STATES:
        targets = [
            state.get("Next"),
            state.get("Default"),
            *(rule["Next"] for rule in state.get("Catch", ())),
        ]
        targets += [choice["Next"] for choice in state.get("Choices", ())]
        assert {target for target in targets if target} <= machine["States"].keys(), name
    for _, _, machine in STATES:
        assert machine["States"].keys() == reachable(machine)


def reachable(machine: dict[str, Any]) -> set[str]:
    seen, todo = set(), [machine["StartAt"]]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        text = json.dumps(
            {key: value for key, value in machine["States"][name].items() if key != "ItemProcessor"}
        )
        todo += re.findall(r'"(?:Next|Default)": "([^"]+)"', text)
    return seen


def test_every_task_retries_throttles_with_jitter_and_service_errors() -> None:
    for name, state in TASKS:
        by_error = {error: rule for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert by_error["Throttled"]["JitterStrategy"] == "FULL", name
        assert "Lambda.Unknown" in by_error, name
        assert state["TimeoutSeconds"] > 0, name


def test_polling_is_capped_and_covers_twelve_hours_without_jitter() -> None:
    polls = [
        rule
        for _, state in TASKS
        for rule in state["Retry"]
        if "ResourcePending" in rule["ErrorEquals"]
    ]
    assert polls
    for rule in polls:
        waits = [
            min(rule["IntervalSeconds"] * rule["BackoffRate"] ** n, rule["MaxDelaySeconds"])
            for n in range(rule["MaxAttempts"])
        ]
        assert sum(waits) >= 12 * 3600
        assert "JitterStrategy" not in rule


def test_the_lease_is_released_whatever_fails_after_it_was_taken() -> None:
    machine = json.loads(PIPELINE.read_text())
    for name, state in machine["States"].items():
        if state["Type"] in ("Task", "Map") and name not in ("Release the lease", "Notify"):
            catch = state["Catch"][-1]
            assert catch["ErrorEquals"] == ["States.ALL"], name
            assert "Release the lease" in path_from(machine, catch["Next"]), name


def path_from(machine: dict[str, Any], name: str) -> set[str]:
    return reachable({**machine, "StartAt": name})


def test_a_lambda_its_function_and_its_placeholder_share_one_name() -> None:
    placeholders = set(re.findall(r"\$\{(\w+)Arn\}", PIPELINE.read_text()))
    functions = set(
        re.findall(
            r'@app\.lambda_function\(name="(\w+)"\)\n@task\ndef (\w+)',
            (PROJECT / "app.py").read_text(),
        )
    )
    assert placeholders == {
        "".join(part.title() for part in name.split("_")) for name, _ in functions
    }
    assert all(name == function for name, function in functions)


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
