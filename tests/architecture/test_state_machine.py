"""The pipeline reads aloud, and what it says holds: targets, retries, waits, the lease, names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chalicelib import errors
from chalicelib.ledger import LEASE_SECONDS
from recdrop.local import statemachine

PROJECT = Path(__file__).resolve().parents[2]
PIPELINE = PROJECT / "statemachines" / "pipeline.asl.json"
MACHINE = statemachine.read(PIPELINE)
POLICIES = json.loads(PIPELINE.with_name(statemachine.POLICIES).read_text())
# What Step Functions says when a Lambda was not reached, was lost, or died (no error of its code).
AWS_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}
# The code cannot even be loaded, or its answer never fits: trying again does not cure it.
PERMANENT = {
    "Runtime.ImportModuleError",
    "Runtime.HandlerNotFound",
    "Runtime.MarshalError",
    "Function.ResponseSizeTooLarge",
    "Lambda.ResourceNotFoundException",
}


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(name, state, the machine it belongs to), Map processors included."""
    for name, state in machine["States"].items():
        yield name, state, machine
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


STATES = list(states(MACHINE))
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
    """The states that a run may come to, on any way out of any state."""
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


def test_every_task_is_tried_again_when_its_lambda_was_lost_and_not_when_it_cannot_work() -> None:
    for name, state in TASKS:
        assert retried(state) >= AWS_ERRORS, name
        assert not retried(state) & PERMANENT, name


def waits(policy: dict[str, Any]) -> float:
    """Seconds that a retry policy waits at most, all in all."""
    total = 0.0
    for attempt in range(policy["MaxAttempts"]):
        delay = policy["IntervalSeconds"] * policy["BackoffRate"] ** attempt
        total += min(delay, policy.get("MaxDelaySeconds", delay))
    return total


def lambda_timeouts() -> dict[str, int]:
    """Seconds by the function's placeholder."""
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    functions = config["stages"]["prod"]["lambda_functions"]
    return {
        "".join(part.title() for part in name.split("_")): entry.get(
            "lambda_timeout", config["lambda_timeout"]
        )
        for name, entry in functions.items()
    }


def test_a_state_waits_longer_than_its_lambda_may_run() -> None:
    """Otherwise a second one starts while the first, which nobody hears any more, is at work."""
    timeouts = lambda_timeouts()
    for name, state in TASKS:
        function = state["Parameters"]["FunctionName"].removeprefix("${").removesuffix("Arn}")
        assert state["TimeoutSeconds"] > timeouts[function], name


def test_a_lease_outlives_a_task_that_timed_out_and_its_retries() -> None:
    """A task renews the lease when it is entered; between two entries lie the first's time-out, the
    longest poll, and every retry of a Lambda that is not reached.
    """
    unreached = waits(POLICIES["throttled"]) + waits(POLICIES["unavailable"])
    for name, state in TASKS:
        polls = "ResourcePending" in retried(state)
        gap = state["TimeoutSeconds"] + unreached
        gap += POLICIES["poll"]["MaxDelaySeconds"] if polls else 0
        assert gap < LEASE_SECONDS, name


def test_a_run_waits_for_the_lease_longer_than_a_dead_holder_keeps_it() -> None:
    assert waits(POLICIES["lease"]) > LEASE_SECONDS


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
    machine = MACHINE
    for name, state in machine["States"].items():
        if state["Type"] in ("Task", "Map") and name not in ("Release the lease", "Notify"):
            catch = state["Catch"][-1]
            assert catch["ErrorEquals"] == ["States.ALL"], name
            assert "Release the lease" in path_from(machine, catch["Next"]), name


def path_from(machine: dict[str, Any], name: str) -> set[str]:
    """The states that a run may come to from one of them."""
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


def test_every_task_names_its_policies_and_spells_none_out() -> None:
    written = [
        rule
        for _, state, _ in states(json.loads(PIPELINE.read_text()))
        for rule in state.get("Retry", ())
    ]
    assert {rule for rule in written if isinstance(rule, str)} == POLICIES.keys()
    assert [rule for rule in written if not isinstance(rule, str)] == []


def test_an_error_is_retried_by_one_policy() -> None:
    named = [error for policy in POLICIES.values() for error in policy["ErrorEquals"]]
    assert len(named) == len(set(named))


def test_a_task_that_waits_for_a_resource_polls_for_it() -> None:
    polling = {name for name, state in TASKS if "ResourcePending" in retried(state)}
    assert polling == {
        "Prepare the dataset group",
        "Import a dataset",
        "Train",
        "Score on withheld users",
        "Update campaign",
        "Roll back",
        "Run batch inference",
    }


def retried(state: dict[str, Any]) -> set[str]:
    """The errors after which a task is entered again."""
    return {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
