"""The local Amazon Personalize as a WSGI application.

server = PersonalizeServer(Path("data"), s3_endpoint="http://127.0.0.1:4566")
server.matches(environ)                     # is this request ours?
server(environ, start_response)             # answer it
server.close()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recdrop.personalize.control.catalog import Catalog, load_catalog
from recdrop.personalize.control.latency import QUICK, Latency, preset
from recdrop.personalize.control.quotas import CONTROL_RATE, RATES, load_quotas
from recdrop.personalize.control.world import Settings
from recdrop.personalize.errors import InvalidInputError
from recdrop.personalize.kinds.table import KINDS
from recdrop.personalize.service import Service
from recdrop.personalize.specification import PERSONALIZE
from recdrop.service.http.edge import Edge
from recdrop.service.http.faults import Faults
from recdrop.service.http.rates import Rates
from recdrop.service.jobs.process import Runner
from recdrop.service.resources.clock import Clock, SystemClock
from recdrop.service.resources.quotas import Quotas
from recdrop.service.resources.store import Resource

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


# As moto's: code that derives ARNs from what STS says then finds its resources.
ACCOUNT = "123456789012"


class PersonalizeServer:
    """Keeps everything in `data_dir`.

    latency      the name of a preset (instant, quick, realistic) or a Latency
    make_runner  what does the jobs; default: worker processes
    catalog      the recipes there are; default: Personalize's own
    slots        jobs at the same time; default: one per core
    sts_endpoint where jobs assume their role; default: nowhere, they sign as this process does
    cloudwatch_endpoint  where its metrics go; default: nowhere
    strict       refuses what the service was only seen to accept, instead of a warning
    threads      False: time passes only when `engine` is told so
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        s3_endpoint: str | None,
        region: str = "us-east-1",
        account: str = ACCOUNT,
        latency: Latency | str = QUICK,
        seed: int = 0,
        clock: Clock | None = None,
        quotas: Quotas | None = None,
        faults: Faults | None = None,
        catalog: Catalog | None = None,
        slots: int | None = None,
        training_seconds: float = 30.0,
        mixed_filters: bool = False,
        sts_endpoint: str | None = None,
        strict: bool = False,
        cloudwatch_endpoint: str | None = None,
        make_runner: Callable[[], Runner] | None = None,
        threads: bool = True,
    ) -> None:
        settings = Settings(
            data_dir=data_dir.absolute(),
            s3_endpoint=s3_endpoint,
            region=region,
            account=account,
            seed=seed,
            latency=preset(latency) if isinstance(latency, str) else latency,
            quotas=quotas or load_quotas(),
            catalog=catalog or load_catalog(),
            training_seconds=training_seconds,
            mixed_filters=mixed_filters,
            sts_endpoint=sts_endpoint,
            strict=strict,
            cloudwatch_endpoint=cloudwatch_endpoint,
        )
        service = Service(settings, clock or SystemClock(), make_runner)
        self._service = service
        self.engine, self.meter = service.engine, service.meter
        is_metered = cloudwatch_endpoint is not None
        self._edge = Edge(
            PERSONALIZE,
            service.handle,
            faults=faults or Faults(PERSONALIZE.operations),
            rates=Rates(settings.quotas, RATES, CONTROL_RATE),
            invalid=InvalidInputError,
            pages={"warnings": service.warnings, "metrics": service.metrics},
            shelves={"snapshots": service},
            observe=self.meter.called if is_metered else None,
        )
        if threads:
            self.engine.start(slots)
        if threads and is_metered:
            self.meter.start()

    def matches(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for Personalize."""
        return self._edge.matches(environ)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._edge(environ, start_response)

    def resources(self) -> list[Resource]:
        """Everything there is, by kind, oldest first."""
        return [resource for noun in KINDS for resource in self.engine.store.all(noun)]

    def warnings(self) -> list[dict[str, str]]:
        """What was accepted with a warning: `{"arn", "warning"}` each."""
        return self._service.warnings()

    def save(self, group: str) -> bytes:
        """A dataset group as one file.

        Raises:
            ServiceError: there is no such group, or something in it is on its way.
        """
        return self._service.get(group)

    def load(self, content: bytes) -> None:
        """Puts the group of a file into the service.

        Raises:
            ServiceError: it is no such file, or something in it is there already.
        """
        self._service.put("", content)

    def close(self) -> None:
        """Stops the jobs under way; they are taken up again by the next server in `data_dir`."""
        self.engine.close()
        self.meter.close()
