"""boto3 clients of the stack itself: cached, thread-safe, on 127.0.0.1."""

from __future__ import annotations

import threading
from typing import Any

from recdrop.local.aws.identity import REGION

# 127.0.0.1 addresses path-style buckets by itself; `localhost` would make a name of the bucket that
# has no address.
FAKE_KEY = "recdrop"


class Clients:
    """One client per service, made at first use under a lock: boto3's session is not thread-safe.

    `key` is the access key that they sign with; by default it is the developer's.
    """

    def __init__(self, endpoint: str, key: str = FAKE_KEY) -> None:
        self.endpoint = endpoint
        self._key = key
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None

    def get(self, service: str) -> Any:
        """The client of a service, e.g. `s3`."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def table(self, name: str) -> Any:
        """The DynamoDB table of a name, as boto3's resource."""
        with self._lock:
            return self._open_session().resource("dynamodb", **self._options()).Table(name)

    def _make(self, service: str) -> Any:
        return self._open_session().client(service, **self._options())

    def _open_session(self) -> Any:
        import boto3

        if self._session is None:
            self._session = boto3.session.Session(
                aws_access_key_id=self._key, aws_secret_access_key=FAKE_KEY, region_name=REGION
            )
        return self._session

    def _options(self) -> dict[str, Any]:
        from botocore.config import Config

        config = Config(
            # Nothing is lost on the way to 127.0.0.1: a second attempt would hide a defect.
            retries={"total_max_attempts": 1},
            connect_timeout=5,
            read_timeout=900,
            max_pool_connections=50,
            proxies={},
        )
        return {"endpoint_url": self.endpoint, "config": config}

    def close(self) -> None:
        """Close the connections of all clients."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
