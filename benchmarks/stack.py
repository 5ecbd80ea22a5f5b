"""What the local stack costs, beside the same work without it.

Measured are the start, an invocation, a request and a state.

    python -m benchmarks.stack

Each ratio compares two things measured in turn in one run; on a busy machine both are slow.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from recdrop.local.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "recdrop" / "sample"
ROUNDS = 300
WARM_UP = 20
STATES = 12


def main() -> None:
    """Measure and print."""
    starts = (f"{start_up():.2f}" for _ in range(3))
    print("start-up, a process of its own, everything ready (s):", *starts)
    with Stack(SAMPLE, scale=1000, personalize=False) as stack:
        print(f"start-up here, moto imported for the first time (s): {stack.started_in:.2f}")
        time.sleep(1)  # the stack makes its first clients in the background; not while we measure
        measure_invocations(stack)
        measure_requests(stack)
        measure_states(stack)
    with Stack(SAMPLE, scale=1000, personalize=False) as again:
        print(f"start-up of the next stack in the process (s): {again.started_in:.2f}")


def start_up() -> float:
    """Seconds from starting Python to a ready stack of the project, Personalize included."""
    code = f"""
import time
began = time.time()
from pathlib import Path
from recdrop.local.stack import Stack
with Stack(Path({str(ROOT)!r})) as stack:
    print(time.time() - began)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # A template that was made anew is told of on stdout, in the application's log.
    return float(done.stdout.splitlines()[-1])


def measure_invocations(stack: Stack) -> None:
    """One Lambda invocation: the handler alone, the host in process, boto3 over the port."""
    name = stack.resources["Check"]
    payload = b'{"token": "bench"}'
    handler = stack.lambdas._handlers[name]
    context = type("Context", (), {"aws_request_id": "r"})()
    client = stack.boto_client("lambda")
    show("invoke: the handler alone", lambda: handler(json.loads(payload), context))
    show("invoke: Lambda host, in process", lambda: stack.lambdas.invoke(name, payload))
    show("invoke: boto3 over the port", lambda: client.invoke(FunctionName=name, Payload=payload))


def measure_requests(stack: Stack) -> None:
    """One HTTP request, on a kept connection and on new ones, and one DynamoDB put."""
    host = stack.api_url.removeprefix("http://")
    kept = http.client.HTTPConnection(host)

    def on_new_connection() -> None:
        connection = http.client.HTTPConnection(host)
        ask(connection)
        connection.close()

    show("API: kept connection", lambda: ask(kept))
    show("API: new connection", on_new_connection)
    kept.close()
    client, table = stack.boto_client("dynamodb"), stack.resources["Ledger"]
    show("DynamoDB put", lambda: client.put_item(TableName=table, Item={"pk": {"S": "bench"}}))


def ask(connection: http.client.HTTPConnection) -> None:
    """One GET, read to the end."""
    connection.request("GET", "/hello/x")
    connection.getresponse().read()


def measure_states(stack: Stack) -> None:
    """A machine of task states in a row: ms for each state."""
    parameters = {"FunctionName": stack.resources["Check"], "Payload": {"token": "bench"}}
    names = [f"S{number}" for number in range(STATES)]
    states = {
        name: {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": parameters,
            "ResultPath": None,
            "Next": after,
        }
        for name, after in zip(names, [*names[1:], "Done"], strict=True)
    }
    definition = json.dumps({"StartAt": "S0", "States": {**states, "Done": {"Type": "Succeed"}}})
    client = stack.boto_client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/any"
    machine = client.create_state_machine(name="bench", definition=definition, roleArn=role)[
        "stateMachineArn"
    ]

    def run() -> None:
        arn = client.start_execution(stateMachineArn=machine)["executionArn"]
        while client.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.005)

    p50, p99 = quantiles(run, 30)
    each = p50 / STATES
    what = f"run of {STATES} Lambda tasks"
    print(f"{what:36} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {each:.2f} ms a state")


def quantiles(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median and 99th percentile of the work, in ms."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return times[rounds // 2], times[int(rounds * 0.99)]


def show(what: str, work: Callable[[], object]) -> None:
    """Measure and print one line."""
    for _ in range(WARM_UP):
        work()
    p50, p99 = quantiles(work, ROUNDS)
    print(f"{what:36} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")


if __name__ == "__main__":
    main()
