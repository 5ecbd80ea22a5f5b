"""Logs of Lambdas by the CloudWatch Logs API."""

from __future__ import annotations

from recdrop.local.stack import Stack
from tests.recdrop.conftest import eventually


def test_lines_of_lambdas_are_found_in_cloudwatch_logs(stack: Stack) -> None:
    name = stack.resources["Check"]
    for number in range(3):
        stack.logs.add(name, "r1", f"line {number}")
    client = stack.boto_client("logs")

    def look() -> list[str]:
        groups = client.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        if not groups:
            return []
        events = client.filter_log_events(logGroupName=groups[0]["logGroupName"])["events"]
        return [event["message"] for event in events if event["message"].startswith("line")]

    assert eventually(look) == ["line 0", "line 1", "line 2"]
