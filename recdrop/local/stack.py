"""The local AWS: everything composed, one port for AWS, one for the API.

    with Stack(Path("."), data_dir=Path(".recdrop")) as stack:
        stack.boto_client("s3").upload_file("orders.csv", stack.outputs["DropBucketName"],
        "shop/interactions/orders.csv")

A request on the AWS port goes to Personalize, to the Lambda host, or to moto, in this order. One
stack per process: moto's state and the process's environment variables are global.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from recdrop.local.clients import FAKE_KEY, Clients
from recdrop.local.clock import Clock
from recdrop.local.control import Control
from recdrop.local.identity import ACCOUNT, HOST, REGION, STACK_NAME
from recdrop.local.lambdas import LambdaHost, forget_warm_state
from recdrop.local.logs import Line, LogStore, Router, pretty
from recdrop.service.http.httpserver import Server, listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from recdrop.local.deploy import Deployment
    from recdrop.local.persistence import Keeper
    from recdrop.local.pollers import QueuePoller, Ticker
    from recdrop.local.template import LocalTemplate

LOG = logging.getLogger(__name__)
MERGE_TEMPLATE = Path("infrastructure", "resources.json")
STOP_SECONDS = 5.0
LAMBDA_PORT_VARIABLE = (
    "STEPFUNCTIONS_LAMBDA_PORT"  # where Step Functions Local was told to call Lambdas
)
WARM_SERVICES = ("s3", "stepfunctions", "dynamodb", "sns", "sqs")


class Personalize(Protocol):
    """What the stack needs of `recdrop.personalize`."""

    def matches(self, environ: WSGIEnvironment) -> bool:
        """Whether the request is Personalize's."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer it."""

    def close(self) -> None:
        """Stop the workers."""


@dataclass(frozen=True)
class Options:
    """How to run a stack.

    Ports: 0 is any free one. `scale` divides the waits of the state machine. `environment`
    overrides variables of the functions, e.g. QUIET_SECONDS. Without `data_dir` nothing is kept.
    `verbose` prints what the Lambdas log.
    """

    project: Path
    data_dir: Path | None = None
    aws_port: int = field(default_factory=lambda: int(os.environ.get(LAMBDA_PORT_VARIABLE, "0")))
    api_port: int = 0
    stage: str | None = None
    merge: Path | None = None
    scale: float = 1.0
    name: str = STACK_NAME
    environment: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False
    personalize: bool = True
    personalize_options: Mapping[str, Any] = field(default_factory=dict)


class StackError(Exception):
    """The stack cannot start; the message says why."""


class Stack:
    """A running local AWS with the project's application deployed. Start with `start` or `with`."""

    _live: Stack | None = None

    def __init__(self, project: Path, **options: Any) -> None:
        self.options = Options(project.resolve(), **options)
        self.lambdas = LambdaHost()
        self.lock = threading.RLock()
        self.stop_requested = threading.Event()
        self.ready = False
        self.started_in = 0.0
        self._exit = contextlib.ExitStack()
        self._moto: Any = None
        self._personalize: Personalize | None = None
        self._gateway: Any = None
        self._control = Control(
            self.describe, self._read_logs, self.lambdas.faults, self.stop_requested.set
        )
        self._deployment: Deployment | None = None
        self._keeper: Keeper | None = None
        self._pollers: dict[str, QueuePoller] = {}

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def aws_url(self) -> str:
        """The endpoint of every AWS service."""
        return self._aws.url

    @property
    def api_url(self) -> str:
        """The base URL of the REST API, without a stage."""
        return self._api.url

    @property
    def resources(self) -> Mapping[str, str]:
        """Physical names by logical id."""
        return self._deployed.resources

    @property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the stack."""
        return self._deployed.outputs

    @property
    def _deployed(self) -> Deployment:
        if self._deployment is None:
            raise StackError("The stack is not running.")
        return self._deployment

    def boto_client(self, service: str) -> Any:
        """A boto3 client of this stack, cached and closed with it."""
        return self._clients.get(service)

    def describe(self) -> dict[str, Any]:
        """What runs where, as JSON."""
        deployment = self._deployment
        return {
            "ready": self.ready,
            "stack": self.options.name,
            "aws_url": self._aws.url,
            "api_url": self._api.url,
            "account": ACCOUNT,
            "region": REGION,
            "started_in_seconds": round(self.started_in, 2),
            "time_scale": self.options.scale,
            "data_dir": str(self.options.data_dir) if self.options.data_dir else None,
            "outputs": dict(deployment.outputs) if deployment else {},
            "resources": dict(deployment.resources) if deployment else {},
            "functions": self.lambdas.names(),
            "queues": [source.queue for source in deployment.sources] if deployment else [],
        }

    def _read_logs(self, after: int, function: str, contains: str, limit: int) -> list[Line]:
        return self.logs.after(after, function, contains, limit)

    def start(self) -> None:
        """Bind the ports, deploy the application, serve.

        Raises PortInUseError, TemplateError, DeployError, ...
        """
        if Stack._live is not None:
            raise StackError(
                f"A stack runs in this process already, at {Stack._live.aws_url}. Expected one at a time."
            )
        began = time.monotonic()
        Stack._live = self
        self._exit.callback(self._retire)
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        self.started_in = time.monotonic() - began
        self.ready = True
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def _start(self) -> None:
        self._bind()
        self._data = self._open_data_dir()
        self._set_environment(self._aws_environment())
        self._capture_logs()
        template = self._build_template()
        self._deploy(template)
        self._serve_api(template)
        self._start_personalize()
        unfinished = self._restore()
        self._exit.callback(self._wind_down)
        self._start_pollers()
        self._resume(unfinished)

    def _retire(self) -> None:
        Stack._live = None

    def _bind(self) -> None:
        self._aws: Server = listen(self.options.aws_port, self._dispatch, "AWS_PORT")
        self._exit.callback(self._aws.stop)
        self._api: Server = listen(self.options.api_port, self._dispatch_api, "API_PORT")
        self._exit.callback(self._api.stop)
        self._clients = Clients(self._aws.url)
        self._exit.callback(self._clients.close)

    def _open_data_dir(self) -> Path:
        if self.options.data_dir is not None:
            self.options.data_dir.mkdir(parents=True, exist_ok=True)
            self._lock_data_dir(self.options.data_dir)
            return self.options.data_dir
        folder = Path(tempfile.mkdtemp(prefix="recdrop-"))
        self._exit.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _lock_data_dir(self, folder: Path) -> None:
        """Two stacks on one folder would overwrite each other's data."""
        file = self._exit.enter_context((folder / "lock").open("w"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError(
                f"{folder} is in use by another recdrop. Stop it, or name another --data-dir."
            ) from error

    def _capture_logs(self) -> None:
        """Keep what the Lambdas print.

        Done before the application is imported: its logger keeps the stream it finds.
        """
        logging.getLogger("moto").setLevel(logging.CRITICAL)
        logging.getLogger("botocore").setLevel(logging.WARNING)
        path = self._data / "lambda.log.jsonl" if self.options.data_dir is not None else None
        self.logs = LogStore(path, print_line if self.options.verbose else None)
        self._exit.callback(self.logs.close)
        self._exit.callback(Router(self.logs).install())

    def _aws_environment(self) -> dict[str, str | None]:
        """What makes boto3 anywhere in this process talk to this stack; a user's own credentials
        are left alone.

        Endpoints of single services and proxies, which a user may have set, would win over it.
        """
        others = {
            key: None
            for key in os.environ
            if key.startswith(("AWS_ENDPOINT_URL_", "AWS_IGNORE_CONFIGURED_ENDPOINT"))
        }
        no_proxy = ",".join(
            filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), HOST])
        )
        environment: dict[str, str | None] = {
            **others,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
            "AWS_ENDPOINT_URL": self._aws.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "MOTO_ACCOUNT_ID": ACCOUNT,
            "AWS_EXECUTION_ENV": os.environ.get(
                "AWS_EXECUTION_ENV", ""
            ),  # Chalice writes it at each import of an app
        }
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setdefault(key, os.environ.get(key) or FAKE_KEY)
        return environment

    def _set_environment(self, values: Mapping[str, str | None]) -> None:
        """Set variables of the process (None: remove) until the stack stops."""
        before = {key: os.environ.get(key) for key in values}
        set_variables(values)
        self._exit.callback(set_variables, before)

    def _build_template(self) -> LocalTemplate:
        from recdrop.local.templatecache import cached

        merge = self.options.merge or self.options.project / MERGE_TEMPLATE
        return cached(self.options.project, merge, self.options.stage, self.options.name)

    def _deploy(self, template: LocalTemplate) -> None:
        from recdrop.local import motoserver, shims
        from recdrop.local.deploy import deploy

        motoserver.reset()
        site = shims.Site(
            clients=self._clients,
            lambdas=self.lambdas,
            clock=Clock(self.options.scale),
            lock=self.lock,
            message_arrived=self._message_arrived,
        )
        shims.install(site)
        self._exit.callback(shims.install, None)
        with self.lock:
            self._deployment = deploy(template, self.options.name)
        if template.cut:
            LOG.info(
                "Not on one machine: %s",
                ", ".join(f"{kind} x{n}" for kind, n in template.cut.items()),
            )
        environment: dict[str, str] = {}
        for function in self._deployment.functions:
            environment |= function.environment
        self._set_environment({**environment, **self.options.environment})
        self.lambdas.deploy(self._deployment.functions, self.options.project)
        self._moto = motoserver.MotoApp(self.lock)
        self._aws.start()

    def _serve_api(self, template: LocalTemplate) -> None:
        if template.api is None:
            return
        from recdrop.local.api import Gateway

        self._gateway = Gateway(template.api, self.resources[template.api.function], self.lambdas)
        self._api.start()

    def _start_personalize(self) -> None:
        if not self.options.personalize:
            return
        from recdrop.personalize.server import PersonalizeServer

        options = {
            "s3_endpoint": self._aws.url,
            "region": REGION,
            "account": ACCOUNT,
            **self.options.personalize_options,
        }
        server = PersonalizeServer(self._data / "personalize", **options)
        self._exit.callback(server.close)
        self._personalize = server

    def _start_pollers(self) -> None:
        from recdrop.local.cloudwatch import LogForwarder
        from recdrop.local.pollers import QueuePoller, Ticker

        for source in self._deployed.sources:
            poller = QueuePoller(source, self.lambdas, self.lock)
            self._pollers[source.queue] = poller
            poller.start()
            self._exit.callback(poller.stop)
        forwarder = LogForwarder(self.logs, self.lock)
        forwarder.start()
        self._exit.callback(forwarder.stop)
        self.ticker: Ticker = Ticker(self._rules, self._fire)
        self.ticker.start()
        self._exit.callback(self.ticker.stop)

    def _rules(self) -> list[Any]:
        from moto.events.models import events_backends

        with self.lock:
            buses = events_backends[ACCOUNT][REGION].event_buses.values()
            return [rule for bus in buses for rule in bus.rules.values()]

    def _fire(self, rule: Any, event: dict[str, Any]) -> None:
        from recdrop.local.shims import send_to_each_target

        send_to_each_target(rule, event)

    def _message_arrived(self, queue: str) -> None:
        if poller := self._pollers.get(queue):
            poller.wake()

    def _dispatch(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The AWS port."""
        if self._control.matches(environ):
            return self._control(environ, start_response)
        if self._personalize is not None and self._personalize.matches(environ):
            return self._personalize(environ, start_response)
        if self.lambdas.matches(environ):
            return self.lambdas(environ, start_response)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer

    def _dispatch_api(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The API port."""
        answer: Iterable[bytes] = self._gateway(environ, start_response)
        return answer

    def _warm(self) -> None:
        """Make the slow first clients before somebody waits for them."""
        for service in WARM_SERVICES:
            if self.stop_requested.is_set() or not self.ready:
                return
            self._clients.get(service)

    def _restore(self) -> list[dict[str, Any]]:
        """Put kept data back; returns the executions that had not ended."""
        if self.options.data_dir is None:
            return []
        from recdrop.local.persistence import Keeper

        self._keeper = Keeper(self._data / "aws", self.resources, self.lock)
        unfinished = self._keeper.restore()
        self._keeper.start()
        return unfinished

    def _resume(self, unfinished: list[dict[str, Any]]) -> None:
        from recdrop.local.persistence import resume_execution

        for entry in unfinished:
            with self.lock:
                resume_execution(entry)

    def _wind_down(self) -> None:
        """End what runs and keep the data.

        Executions are kept as they were before they were stopped.
        """
        before = self._keeper.executions() if self._keeper is not None else []
        self._stop_executions()
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper.save(before)

    def _stop_executions(self) -> None:
        """Interrupt what runs: its threads would call into the next stack of this process."""
        import datetime as dt

        for execution in self.executions():
            if execution.status == "RUNNING":
                execution.stop(
                    dt.datetime.now(dt.UTC), "Stack.Stopped", "The local stack was stopped."
                )
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(e.status == "RUNNING" for e in self.executions()):
            time.sleep(0.02)
        self.lambdas.wait_idle(max(0.0, deadline - time.monotonic()))
        forget_warm_state(self.options.project)

    def executions(self) -> list[Any]:
        """All executions of all state machines, as moto has them."""
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        with self.lock:
            machines = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
            return [execution for machine in machines for execution in machine.executions]

    def invoke(self, logical_id: str, event: Any) -> Any:
        """Invoke a function by its logical id; its result, or RuntimeError with the error document."""
        answer = self.lambdas.invoke(self.resources[logical_id], json.dumps(event).encode())
        if answer.failed:
            raise RuntimeError(answer.payload.decode())
        return json.loads(answer.payload)

    def stop(self) -> None:
        """Stop polling, wait for what runs, close the ports. May be called twice."""
        self.ready = False
        self.stop_requested.set()
        self._exit.close()


def set_variables(values: Mapping[str, str | None]) -> None:
    """Set variables of the process; None removes one."""
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


def print_line(line: Line) -> None:
    """A line of a Lambda's log, for the terminal of `recdrop up --verbose`."""
    print(pretty(line), file=sys.stderr)
