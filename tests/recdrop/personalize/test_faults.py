from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.recdrop.personalize.driving import Aws
from tests.recdrop.personalize.simulation import Refusal, Simulation


def plan(sim: Simulation, *rules: dict[str, Any]) -> None:
    sim.faults.replace(json.dumps(rules))


def test_the_second_call_is_throttled_and_only_that(sim: Simulation) -> None:
    plan(sim, {"operation": "ListSchemas", "call": 2, "fault": "throttle"})
    codes = [sim.refusal("ListSchemas") for _ in range(3)]
    assert codes == [None, "ThrottlingException", None]


def test_any_code_can_be_answered(sim: Simulation) -> None:
    plan(
        sim,
        {
            "operation": "CreateDatasetGroup",
            "fault": "error",
            "code": "ServiceUnavailable",
            "status": 503,
        },
    )
    assert sim.refusal("CreateDatasetGroup", name="g") == "ServiceUnavailable"
    assert sim.do("ListDatasetGroups")["datasetGroups"] == []


def test_a_job_ends_failed_with_the_reason_asked_for(sim: Simulation) -> None:
    solution = sim.solution(sim.filled_group())
    plan(
        sim,
        {
            "operation": "CreateSolutionVersion",
            "call": 1,
            "fault": "job",
            "reason": "Out of capacity.",
        },
    )
    version = sim.describe("SolutionVersion", sim.version(solution))
    assert (version["status"], version["failureReason"]) == ("CREATE FAILED", "Out of capacity.")
    assert sim.status("SolutionVersion", sim.version(solution)) == "ACTIVE"


def test_a_timeout_after_the_effect_leaves_the_effect(sim: Simulation) -> None:
    plan(sim, {"operation": "CreateDatasetGroup", "fault": "timeout-after"})
    with pytest.raises(Refusal, match="No answer came in time"):
        sim.do("CreateDatasetGroup", name="g")
    assert [group["name"] for group in sim.do("ListDatasetGroups")["datasetGroups"]] == ["g"]


def test_a_timeout_before_the_effect_has_none(sim: Simulation) -> None:
    plan(sim, {"operation": "CreateDatasetGroup", "fault": "timeout-before"})
    with pytest.raises(Refusal, match="No answer came in time"):
        sim.do("CreateDatasetGroup", name="g")
    assert sim.do("ListDatasetGroups")["datasetGroups"] == []


def test_on_a_socket_a_timeout_closes_the_connection_and_a_plan_comes_over_http(aws: Aws) -> None:
    body = json.dumps([{"operation": "ListSchemas", "call": 1, "fault": "timeout-before"}]).encode()
    admin = f"{aws.url}/_personalize/faults"
    urllib.request.urlopen(urllib.request.Request(admin, body, method="PUT")).close()
    try:
        with pytest.raises(ConnectionClosedError):
            aws.personalize.list_schemas()
        aws.personalize.list_schemas()
        with urllib.request.urlopen(admin) as answer:
            assert json.load(answer) == {"rules": 1, "calls": {"ListSchemas": 2}}
    finally:
        urllib.request.urlopen(urllib.request.Request(admin, method="DELETE")).close()


def test_a_header_asks_for_a_fault_of_one_request(aws: Aws) -> None:
    client = boto3.client(
        "personalize",
        endpoint_url=aws.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def add(params: dict[str, Any], **_: Any) -> None:
        params["headers"]["X-Recdrop-Fault"] = (
            '{"fault": "error", "code": "AccessDeniedException", "status": 400}'
        )

    client.meta.events.register("before-call.personalize.ListSchemas", add)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        client.list_schemas()
