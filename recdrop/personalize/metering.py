"""The metrics that Personalize sends to CloudWatch, named and dimensioned as its guide says.

    AWS/Personalize       calls, errors and latencies of the runtime and the streams; imports and
                          trainings with their errors and durations
    Recdrop/Personalize   the metrics of each trained version, which the service does not send

What happened in a second goes out together, as sums with their least and greatest.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from recdrop.service.resources.store import Resource, Store
from recdrop.service.wire.specification import Operation

_log = logging.getLogger(__name__)
SERVICE, OURS = "AWS/Personalize", "Recdrop/Personalize"
SECONDS = 1.0
MOST_AT_ONCE = 500
Dimensions = tuple[tuple[str, str], ...]
Send = Callable[[str, Sequence[Mapping[str, Any]]], object]

# By operation: what its successes are called, and its latency where that is not <operation>Latency.
CALLS: Mapping[str, tuple[str, str]] = {
    "GetRecommendations": ("GetRecommendations", "GetRecommendationsLatency"),
    "GetPersonalizedRanking": ("GetPersonalizedRanking", "GetPersonalizedRankingLatency"),
    "GetActionRecommendations": ("GetActionRecommendations", "GetActionRecommendationsLatency"),
    "PutEvents": ("PutEventsRequests", "PutEventLatency"),
    "PutItems": ("PutItemsRequests", "PutItemsLatency"),
    "PutUsers": ("PutUsersRequests", "PutUsersLatency"),
    "PutActions": ("PutActionsRequests", "PutActionsLatency"),
    "PutActionInteractions": ("PutActionInteractionsRequests", "PutActionInteractionsLatency"),
}
# By kind: the name of its job's metrics, and the dimensions of them.
JOBS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "DatasetImportJob": (
        "DatasetImportJob",
        ("datasetGroupArn", "datasetArn", "datasetImportJobArn"),
    ),
    "SolutionVersion": ("SolutionTrainingJob", ("solutionArn", "solutionVersionArn")),
}


@dataclass
class Statistics:
    """Values of one metric within the second."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    greatest: float = float("-inf")

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)


class Meter:
    """Counts what happens, and sends it every second from `start` on."""

    def __init__(self, store: Store, send: Send) -> None:
        self._store = store
        self.send = send
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str, str, Dimensions], Statistics] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send in a thread."""
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send what is left, and no more."""
        self._stopping.set()
        if self._thread:
            self._thread.join(timeout=10)
        self.flush()

    def called(self, operation: Operation, body: bytes, status: int, seconds: float) -> None:
        """A request was answered."""
        names = CALLS.get(operation.name)
        if names is None:
            return
        dimensions = self._of_call(_read(body))
        if not dimensions:
            return
        successes, latency = names
        if status < 400:
            self._count(SERVICE, successes, "Count", dimensions, 1)
            self._count(SERVICE, latency, "Milliseconds", dimensions, seconds * 1000)
        else:
            kind = f"{operation.name}{status // 100}xxErrors"
            self._count(SERVICE, kind, "Count", dimensions, 1)

    def begun(self, resource: Resource) -> None:
        """A job was asked for."""
        if resource.kind in JOBS:
            name, dimensions = _of_job(resource)
            self._count(SERVICE, f"{name}Requests", "Count", dimensions, 1)

    def ended(self, resource: Resource, now: float) -> None:
        """A job has ended, well or not."""
        if resource.kind not in JOBS or resource.status not in ("ACTIVE", "CREATE FAILED"):
            return
        name, dimensions = _of_job(resource)
        took = now - resource.doc["creationDateTime"]
        self._count(SERVICE, f"{name}ExecutionTime", "Seconds", dimensions, took)
        if resource.status == "CREATE FAILED":
            self._count(SERVICE, f"{name}Error", "Count", dimensions, 1)
        else:
            for metric, value in resource.notes.get("metrics", {}).items():
                self._count(OURS, metric, "None", dimensions, value)

    def flush(self) -> None:
        """Send what has happened since the last time."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        data: dict[str, list[Mapping[str, Any]]] = {}
        for (namespace, name, unit, dimensions), found in waiting.items():
            data.setdefault(namespace, []).append(_datum(name, unit, dimensions, found))
        for namespace, rows in data.items():
            for start in range(0, len(rows), MOST_AT_ONCE):
                self.send(namespace, rows[start : start + MOST_AT_ONCE])

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            try:
                self.flush()
            except Exception:  # noqa: BLE001 - metrics that are lost must not end the sending of later ones
                _log.exception("Metrics did not reach CloudWatch")

    def _count(
        self, namespace: str, name: str, unit: str, dimensions: Dimensions, value: float
    ) -> None:
        with self._lock:
            key = (namespace, name, unit, dimensions)
            self._waiting.setdefault(key, Statistics()).add(value)

    def _of_call(self, request: Mapping[str, Any]) -> Dimensions:
        """The dimensions of a request; none when it names nothing that there is."""
        for member in ("campaignArn", "recommenderArn"):
            if self._store.get(str(request.get(member))):
                return ((_dimension(member), request[member]),)
        dataset = self._store.get(str(request.get("datasetArn")))
        if dataset is not None:
            return _dimensions(dataset, ("datasetGroupArn", "datasetArn"))
        return self._of_tracking(str(request.get("trackingId")))

    def _of_tracking(self, tracking: str) -> Dimensions:
        for tracker in self._store.all("EventTracker"):
            if tracker.doc["trackingId"] == tracking:
                group = tracker.doc["datasetGroupArn"]
                dataset = f"{group.replace(':dataset-group/', ':dataset/')}/INTERACTIONS"
                told = _dimensions(tracker, ("datasetGroupArn", "eventTrackerArn"))
                return (told[0], ("DatasetArn", dataset), told[1])
        for actions in self._store.all("Dataset"):
            if actions.doc.get("trackingId") == tracking:
                return _dimensions(actions, ("datasetGroupArn", "datasetArn"))
        return ()


def cloudwatch(endpoint: str, region: str) -> Send:
    """Sends to the CloudWatch at `endpoint`."""
    import boto3
    from botocore.config import Config

    # A client takes a tenth of a second: it is made with the first metrics, in the meter's thread.
    made: list[Any] = []

    def send(namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        if not made:
            made.append(
                boto3.session.Session().client(
                    "cloudwatch",
                    endpoint_url=endpoint,
                    region_name=region,
                    aws_access_key_id="local",
                    aws_secret_access_key="local",  # noqa: S106  nothing checks it # nosec B106
                    config=Config(retries={"total_max_attempts": 1}),
                )
            )
        made[0].put_metric_data(Namespace=namespace, MetricData=data)

    return send


def _datum(name: str, unit: str, dimensions: Dimensions, found: Statistics) -> Mapping[str, Any]:
    return {
        "MetricName": name,
        "Unit": unit,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
        "Timestamp": time.time(),
        "StatisticValues": {
            "SampleCount": found.count,
            "Sum": found.total,
            "Minimum": found.least,
            "Maximum": found.greatest,
        },
    }


def _of_job(resource: Resource) -> tuple[str, Dimensions]:
    name, members = JOBS[resource.kind]
    return name, _dimensions(resource, members)


def _dimensions(resource: Resource, members: Sequence[str]) -> Dimensions:
    return tuple((_dimension(member), str(resource.doc[member])) for member in members)


def _dimension(member: str) -> str:
    return member[0].upper() + member[1:]


def _read(body: bytes) -> Mapping[str, Any]:
    """What a request says, if it says anything."""
    try:
        value = msgspec.json.decode(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
