"""What the route adds to the bare SDK call.

    python -m benchmarks.serving_overhead

One process answers GetRecommendations over HTTP with 25 items, at once or after 5 ms (a fast
campaign). Asked in turn, interleaved, by boto3 alone and by the whole Lambda handler (API Gateway
event in, response out, cache never hit). Target: p50 under 1.2 times the bare call.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median, quantiles
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.snowflake_batch import make_route
from tests.chalicelib.house import KEYS, proxy_event

CALLS = 400
ANSWER = json.dumps(
    {
        "itemList": [{"itemId": f"item-{n}", "score": 0.5} for n in range(25)],
        "recommendationId": "RID",
    },
).encode()


class Campaign(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    latency = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.latency)
        head = f"Content-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n"
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + head.encode() + ANSWER)


def serve(latency: float) -> None:
    Campaign.latency = latency
    server = ThreadingHTTPServer(("127.0.0.1", 0), Campaign)
    print(server.server_port, flush=True)
    server.serve_forever()


@contextmanager
def campaign(latency: float) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.serving_overhead", str(latency)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()


def make_client(endpoint: str) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=32)
    return boto3.client("personalize-runtime", endpoint_url=endpoint, config=config, **KEYS)  # type: ignore[call-overload]


def measure(*calls: Callable[[int], object]) -> list[list[float]]:
    """Milliseconds of each call, the calls taken in turn."""
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(CALLS + 20):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call(number)
            times.append((time.perf_counter() - began) * 1000)
    return [times[20:] for times in taken]


def compare(latency: float) -> None:
    with campaign(latency) as endpoint:
        client = make_client(endpoint)
        route = make_route(client)

        def bare(number: int) -> object:
            return client.get_recommendations(
                campaignArn="arn", userId=f"user-{number}", numResults=25
            )

        def whole(number: int) -> object:
            event = proxy_event("GET", f"/recommendations/user-{number}")
            result = route(event, None)
            assert result["statusCode"] == 200, result
            return result

        def again(_number: int) -> object:
            return route(proxy_event("GET", "/recommendations/user-0"), None)

        names = ("bare SDK call", "recdrop, campaign", "recdrop, cache")
        times = measure(bare, whole, again)
    base = median(times[0])
    print(f"campaign that takes {latency * 1000:.0f} ms, {CALLS} calls each")
    for name, taken in zip(names, times, strict=True):
        p50, p99 = median(taken), quantiles(taken, n=100)[98]
        print(f"  {name:18} p50 {p50:7.3f} ms   p99 {p99:7.3f} ms   {p50 / base:5.2f} times")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(float(sys.argv[1]))
    else:
        for seconds in (0.0, 0.005):
            compare(seconds)
