"""`recdrop logs`: what the Lambdas logged, by function, run and text."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any
from urllib.parse import urlencode

import click

from local.commands.common import call, endpoint_option, find_endpoint, json_option

FOLLOW_SECONDS = 0.5
SHOWN_FIRST = ("level", "message")
NOT_SHOWN = {"timestamp", "service", "location", "xray_trace_id", "cold_start", "function_arn", "function_memory_size"}


@click.command(help="Print what the Lambdas logged.")
@click.option("--function", default="", help="Only functions whose name contains this.")
@click.option("--run", "contains", default="", help="Only lines that contain this: a run, a group, any text.")
@click.option("-n", "--lines", default=100, show_default=True, type=click.IntRange(1, 50_000))
@click.option("-f", "--follow", is_flag=True, help="Go on printing new lines.")
@endpoint_option
@json_option
def command(function: str, contains: str, lines: int, follow: bool, endpoint_url: str | None, as_json: bool) -> int:
    """Print the newest lines, then new ones if asked to."""
    endpoint = find_endpoint(endpoint_url)
    number = 0
    while True:
        query = urlencode({"after": number, "function": function, "contains": contains, "limit": lines})
        for line in call(endpoint, f"GET logs?{query}")["lines"]:
            number = line["number"]
            click.echo(json.dumps(line) if as_json else pretty(line))
        if not follow:
            return 0
        time.sleep(FOLLOW_SECONDS)


def pretty(line: dict[str, Any]) -> str:
    """A line for people: time, function, then the fields of a structured line or the text as it is."""
    moment = dt.datetime.fromtimestamp(line["time"]).astimezone()
    try:
        fields = json.loads(line["text"])
    except ValueError:
        fields = None
    text = line["text"] if not isinstance(fields, dict) else pretty_fields(fields)
    return f"{moment:%H:%M:%S} {line['function'].split('-', 1)[-1]:18} {text}"


def pretty_fields(fields: dict[str, Any]) -> str:
    """Level and message, then the other fields as key=value. Metrics are named as such."""
    if "_aws" in fields:
        names = [metric["Name"] for entry in fields["_aws"]["CloudWatchMetrics"] for metric in entry["Metrics"]]
        return "METRIC " + " ".join(f"{name}={fields.get(name)}" for name in names)
    first = " ".join(str(fields[key]) for key in SHOWN_FIRST if key in fields)
    rest = [f"{key}={value}" for key, value in fields.items() if key not in NOT_SHOWN and key not in SHOWN_FIRST]
    return " ".join([first, *rest])
