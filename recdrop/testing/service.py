"""A local Personalize in this process, with an S3 beside it, on one free port."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from recdrop.personalize.control.courses import PENDING
from recdrop.personalize.server import ACCOUNT, PersonalizeServer
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.http.faults import Faults
from recdrop.service.http.httpserver import listen
from recdrop.service.resources.clock import SystemClock
from recdrop.testing.environment import region
from recdrop.testing.workers import Here

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# What a test wants unless it says otherwise: nothing to wait for but the work itself.
OPTIONS: Mapping[str, Any] = {"latency": "instant", "training_seconds": 1.0, "slots": 1}
MOVING = ("PENDING", "IN_PROGRESS", "STOPPING")


class Service:
    """A running local Personalize.

    url      where Personalize, S3, IAM and STS answer
    server   the service itself: `save` and `load` of dataset groups, and its `engine`
    """

    def __init__(self, url: str, server: PersonalizeServer, faults: Faults) -> None:
        self.url = url
        self.server = server
        self._faults = faults

    def client(self, service: str) -> Any:
        """A boto3 client that talks to this service, whatever the environment says."""
        import boto3

        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=region(),
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106  nothing checks it # nosec B106
        )

    def plan_faults(self, *rules: Mapping[str, Any]) -> None:
        """What goes wrong from now on; no rules: nothing any more.

        Raises:
            ValueError: one is no rule; the text says what was expected.
        """
        self._faults.replace(json.dumps(rules))

    def warnings(self) -> list[str]:
        """What was accepted although the service's documents do not allow it."""
        return [row["warning"] for row in self.server.warnings()]

    def settle(self, seconds: float = 60.0) -> None:
        """Returns once nothing is PENDING or IN_PROGRESS.

        Raises:
            TimeoutError: something still is after so long.
        """
        deadline = time.monotonic() + seconds
        while moving := self._moving():
            if time.monotonic() > deadline:
                raise TimeoutError(f"After {seconds} s still on its way: {', '.join(moving)}.")
            time.sleep(0.01)

    def _moving(self) -> Sequence[str]:
        return [
            resource.arn
            for resource in self.server.resources()
            for status in _statuses(resource.doc)
            if status in PENDING or status.endswith(MOVING)
        ]


@contextmanager
def running(data_dir: Path | None = None, **options: Any) -> Iterator[Service]:
    """A service of its own, ended with the block. `options` are those of PersonalizeServer.

    `speed` lets its clock run so many times as fast. Without `data_dir` nothing is kept.
    """
    options = {**OPTIONS, **options}
    if "speed" in options:
        options["clock"] = SystemClock(options.pop("speed"))
    faults = Faults(PERSONALIZE.operations)
    with TemporaryDirectory(prefix="recdrop-", ignore_cleanup_errors=True) as made:
        app = _Application()
        web = listen(0, app, "PORT")
        web.start()
        try:
            server = PersonalizeServer(
                data_dir or Path(made),
                **{
                    "s3_endpoint": web.url,
                    "region": region(),
                    "account": ACCOUNT,
                    "faults": faults,
                    "make_runner": Here,
                    **options,
                },
            )
            try:
                app.personalize = server
                yield Service(web.url, server, faults)
            finally:
                server.close()
        finally:
            web.stop()
            app.close()


class _Application:
    """Personalize's requests to Personalize, all others to moto.

    moto's state belongs to the process: what an `@mock_aws` of the same test put into S3 is there,
    and the buckets that were made here are gone at the end.
    """

    def __init__(self) -> None:
        self.personalize: PersonalizeServer | None = None
        self._lock = threading.RLock()
        self._moto: Any = None
        self._before: set[str] = set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.personalize is not None and self.personalize.matches(environ):
            return self.personalize(environ, start_response)
        with self._lock:
            if self._moto is None:
                # Late: moto takes a second, and a test on a trained campaign does without.
                from recdrop.local.aws.motoserver import MotoApp

                self._moto, self._before = MotoApp(self._lock), set(_buckets())
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def close(self) -> None:
        if self._moto is not None:
            for name in set(_buckets()) - self._before:
                _forget_bucket(name)


def _buckets() -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT]["aws"].buckets


def _forget_bucket(name: str) -> None:
    """It, and all that is in it: moto would have us delete every object before."""
    from moto.s3.models import s3_backends

    del _buckets()[name]
    s3_backends.bucket_accounts.pop(name, None)


def _statuses(doc: Mapping[str, Any]) -> Iterator[str]:
    """Of a resource, and of the update that it may be in."""
    yield str(doc.get("status", "ACTIVE"))
    for name, value in doc.items():
        if name.startswith("latest") and name.endswith("Update"):
            yield str(value.get("status", "ACTIVE"))
