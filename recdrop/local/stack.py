"""The local AWS: everything composed, one port for AWS, one for the API.

    with Stack(Path("."), data_dir=Path(".recdrop")) as stack:
        bucket, key = stack.outputs["DropBucketName"], "shop/interactions/orders.csv"
        stack.boto_client("s3").upload_file("orders.csv", bucket, key)

One stack per process: moto's state and the process's environment variables are global. Everything
heavy is imported when a stack starts, not with this module.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recdrop.local.aws.clients import Clients
from recdrop.local.aws.identity import ACCOUNT, REGION, STACK_NAME
from recdrop.local.awsport import AwsPort, Personalize
from recdrop.local.control import Control
from recdrop.local.gateway.starting import starting
from recdrop.local.iam.guard import Guard
from recdrop.local.iam.operations import Need, Place, logs_needs
from recdrop.local.iam.recording import recorder
from recdrop.local.lambdas.handlers import forget_warm_state
from recdrop.local.lambdas.host import LambdaHost
from recdrop.local.lambdas.invoke import InvokeApi
from recdrop.local.lambdas.logs import Line, LogStore, Router, pretty
from recdrop.local.process import Variables, aws_environment, set_variables
from recdrop.local.shims.clock import Clock
from recdrop.local.state.folder import open_folder
from recdrop.service.http.guard import NAMES
from recdrop.service.http.httpserver import Server, listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from recdrop.local.deploy import Deployment
    from recdrop.local.events.pollers import QueuePoller
    from recdrop.local.events.sources import QueueSource
    from recdrop.local.state.keeper import Keeper
    from recdrop.local.template import LocalTemplate

LOG = logging.getLogger(__name__)
MERGE_TEMPLATE = Path("infrastructure", "resources.json")
STOP_SECONDS = 5.0
# Step Functions Local is told this port when it starts, before there is a stack.
LAMBDA_PORT_VARIABLE = "STEPFUNCTIONS_LAMBDA_PORT"
DOCKER_HOST = "host.docker.internal"
# The web pages that may use the API, as the template sets them for its function.
ORIGINS_VARIABLE = "CORS_ORIGINS"
# Making a client takes a tenth of a second, once: these are wanted by everybody.
WARM_SERVICES = ("s3", "stepfunctions", "dynamodb", "sns", "sqs")


@dataclass(frozen=True)
class Options:
    """How to run a stack.

    Ports: 0 is any free one. `scale` divides the waits of the project's state machine,
    `scale_others` those of machines that somebody else makes, whose waits may be there for things
    that take their time here too. `environment` overrides variables of the functions, e.g.
    QUIET_SECONDS. Without `data_dir` nothing is kept. `verbose` prints what the Lambdas log.
    """

    project: Path
    data_dir: Path | None = None
    aws_port: int = field(default_factory=lambda: int(os.environ.get(LAMBDA_PORT_VARIABLE, "0")))
    api_port: int = 0
    stage: str | None = None
    merge: Path | None = None
    scale: float = 1.0
    scale_others: float = 1.0
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
        self.guard = Guard(Place(REGION, ACCOUNT))
        self.lock = threading.RLock()
        self.stop_requested = threading.Event()
        self.ready = False
        self.started_in = 0.0
        self._exit = ExitStack()
        self._logs: LogStore | None = None
        self._api_app: WSGIApplication = starting
        self._origins: tuple[str, ...] = ()
        self._api_keys: Mapping[str, str] = {}
        control = Control(
            self.describe, self._read_logs, self.lambdas.faults, self.stop_requested.set
        )
        self._aws_app = AwsPort(control, InvokeApi(self.lambdas), self.guard)
        self._deployment: Deployment | None = None
        self._keeper: Keeper | None = None
        self._pollers: dict[str, QueuePoller] = {}
        self._role_keys: Mapping[str, str] = {}

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
    def api_keys(self) -> Mapping[str, str]:
        """The values of the API keys, by logical id."""
        return {key_id.removeprefix("local-"): value for value, key_id in self._api_keys.items()}

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

    @property
    def logs(self) -> LogStore:
        """What the Lambdas have printed."""
        if self._logs is None:
            raise StackError("The stack is not running.")
        return self._logs

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
            "api_keys": self.api_keys,
            "outputs": dict(deployment.outputs) if deployment else {},
            "resources": dict(deployment.resources) if deployment else {},
            "functions": self.lambdas.names(),
            "queues": [source.queue for source in deployment.sources] if deployment else [],
        }

    def _read_logs(self, after: int, function: str, contains: str, limit: int) -> list[Line]:
        # The control answers from the first moment, before there is a log.
        return [] if self._logs is None else self._logs.after(after, function, contains, limit)

    def start(self) -> None:
        """Bind the ports, deploy the application, bring back its data, serve.

        Raises:
            StackError: another stack runs in this process.
            PortInUseError: a port is taken.
            TemplateError: the project is no Chalice project with a template.
            DeployError: moto could not create the stack.
            StateError: the data folder is in use, or cannot be read.
        """
        if Stack._live is not None:
            raise StackError(
                f"A stack runs in this process already, at {Stack._live.aws_url}. "
                "Expected one at a time."
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
        self._data = open_folder(self.options.data_dir, self._exit)
        self._set_environment(aws_environment(self._aws.url))
        self._capture_logs()
        template = self._build_template()
        moto = self._deploy(template)
        unfinished = self._restore()
        self._aws_app.open_storage(moto)
        self._aws_app.open(self._make_personalize())
        self._exit.callback(self._wind_down)
        self._open_api(template)
        self._start_background()
        self._resume(unfinished)

    def _retire(self) -> None:
        Stack._live = None

    def _bind(self) -> None:
        """Both ports listen at once, so that whoever asks too early is told so."""
        # A container has a name of its own for this machine, which no web page can take.
        names = (*NAMES, DOCKER_HOST) if LAMBDA_PORT_VARIABLE in os.environ else NAMES
        self._aws = self._listen(self.options.aws_port, self._aws_app, "AWS_PORT", names=names)
        self._api = self._listen(
            self.options.api_port, self._answer_api, "API_PORT", origins=lambda: self._origins
        )
        self._clients = Clients(self._aws.url)
        self._exit.callback(self._clients.close)
        self._aws.start()
        self._api.start()

    def _listen(self, port: int, app: WSGIApplication, variable: str, **guard: Any) -> Server:
        server = listen(port, app, variable, **guard)
        self._exit.callback(server.stop)
        return server

    def _answer_api(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """The API port: `starting`, later the gateway."""
        return self._api_app(environ, start_response)

    def _capture_logs(self) -> None:
        """Keep what the Lambdas print.

        Done before the application is imported: its logger keeps the stream it finds.
        """
        logging.getLogger("moto").setLevel(logging.CRITICAL)
        logging.getLogger("botocore").setLevel(logging.WARNING)
        path = self._data / "lambda.log.jsonl" if self.options.data_dir is not None else None
        self._logs = LogStore(path, print_line if self.options.verbose else None)
        self._exit.callback(self._logs.close)
        self._exit.callback(Router(self._logs).install())

    def _set_environment(self, values: Variables) -> None:
        """Set variables of the process until the stack stops."""
        self._exit.callback(set_variables, set_variables(values))

    def _build_template(self) -> LocalTemplate:
        from recdrop.local.templatecache import cached

        merge = self.options.merge or self.options.project / MERGE_TEMPLATE
        return cached(self.options.project, merge, self.options.stage, self.options.name)

    def _deploy(self, template: LocalTemplate) -> WSGIApplication:
        """Create the stack in moto, and make its functions callable; returns moto."""
        from recdrop.local.aws import slimmoto

        slimmoto.install()
        from recdrop.local.aws import motoserver
        from recdrop.local.deploy import deploy

        motoserver.reset()
        self._install_shims()
        with self.lock:
            self._deployment = deploy(template, self.options.name)
        if template.cut:
            cut = ", ".join(f"{kind} x{n}" for kind, n in template.cut.items())
            LOG.info("Not on one machine: %s", cut)
        environment: dict[str, str] = {}
        for function in self._deployment.functions:
            environment |= function.environment
        # Here nobody names a stack to `recdrop`: reports leave it out of what to type next.
        environment["STACK_NAME"] = ""
        environment |= self.options.environment
        self._set_environment(environment)
        self._give_roles(self._deployment)
        origins = environment.get(ORIGINS_VARIABLE, "").split(",")
        self._origins = tuple(origin for origin in origins if origin)
        self.lambdas.deploy(self._deployment.functions, self.options.project)
        self._host_others()
        return motoserver.MotoApp(self.lock)

    def _host_others(self) -> None:
        """From now on functions that are made through the API can be invoked too."""
        from recdrop.local.lambdas.foreign import Zipped, find_in_moto

        def find(name: str) -> Zipped | None:
            with self.lock:
                return find_in_moto(name)

        self.lambdas.foreign.find, self.lambdas.foreign.log = find, self.logs.add
        self._exit.callback(self.lambdas.foreign.close)

    def _give_roles(self, deployment: Deployment) -> None:
        """From now on each function signs as its role, and is judged by its policies."""
        from recdrop.local.deploy import open_guard
        from recdrop.local.lambdas.credentials import inherit_invocations, sign_as_invoked

        if recording := recorder(os.environ):
            recording.use(deployment.policies.as_set())
            self.guard.record = recording.record
        self._role_keys = open_guard(self.guard, deployment)
        self._exit.callback(sign_as_invoked(self._role_keys.get))
        self._exit.callback(inherit_invocations())

    def _refusal(self, function: str, need: Need) -> str | None:
        """AWS's sentence when the role of a function does not allow what AWS does for it."""
        caller = self.guard.principals.find(self._role_keys.get(function, ""))
        return None if caller is None else self.guard.check(caller, need)

    def _refusal_of_logs(self, function: str, action: str, group: str, stream: str) -> str | None:
        given = {"logGroupName": group, "logStreamName": stream}
        [need] = logs_needs(action.removeprefix("logs:"), given, self.guard.place)
        return self._refusal(function, need)

    def _refusal_of_queue(self, source: QueueSource) -> Callable[[str], str | None]:
        arn = self.guard.place.arn("sqs", source.queue)
        return lambda action: self._refusal(source.function, Need(action, arn))

    def _install_shims(self) -> None:
        from recdrop.local.shims import table
        from recdrop.local.shims.site import Site, serve

        clocks = Clock(self.options.scale), Clock(self.options.scale_others)
        site = Site(
            self._clients,
            self.lambdas,
            lambda machine: clocks[0] if self._is_own(machine) else clocks[1],
            self.lock,
            self.guard,
            self._message_arrived,
        )
        serve(site)
        self._exit.callback(serve, None)
        table.install()

    def _is_own(self, machine: str) -> bool:
        """Whether a state machine's ARN is of the template."""
        return self._deployment is None or machine in self._deployment.resources.values()

    def _restore(self) -> list[dict[str, Any]]:
        """Put kept data back; returns the executions that had not ended."""
        if self.options.data_dir is None:
            return []
        from recdrop.local.state.keeper import Keeper

        self._keeper = Keeper(self._data / "aws", self.resources, self.lock)
        return self._keeper.restore()

    def _make_personalize(self) -> Personalize | None:
        """The local Personalize, with its data back and its unfinished jobs at work again."""
        if not self.options.personalize:
            return None
        from recdrop.personalize.server import PersonalizeServer

        options = {
            "s3_endpoint": self._aws.url,
            "region": REGION,
            "account": ACCOUNT,
            "sts_endpoint": self._aws.url,
            "cloudwatch_endpoint": self._aws.url,
            **self.options.personalize_options,
        }
        server = PersonalizeServer(self._data / "personalize", **options)
        self._exit.callback(server.close)
        return server

    def _open_api(self, template: LocalTemplate) -> None:
        if template.api is None:
            self._api.stop()
            return
        from recdrop.local.gateway.gateway import Gateway

        function = self.resources[template.api.function]
        self._api_keys = template.api.keys
        self._api_app = Gateway(template.api, function, self.lambdas, self._origins)

    def _start_background(self) -> None:
        """What AWS does by itself: queues feed Lambdas, schedules fire, logs are collected."""
        from recdrop.local.events.pollers import QueuePoller
        from recdrop.local.events.ticker import Ticker
        from recdrop.local.lambdas.cloudwatch import LogForwarder
        from recdrop.local.shims.delivery import send_to_each_target

        if self._keeper is not None:
            self._keeper.start()
        for source in self._deployed.sources:
            poller = QueuePoller(
                source, self.lambdas, self.lock, refusal=self._refusal_of_queue(source)
            )
            self._pollers[source.queue] = poller
            poller.start()
            self._exit.callback(poller.stop)
        forwarder = LogForwarder(self.logs, self.lock, self._refusal_of_logs)
        forwarder.start()
        self._exit.callback(forwarder.stop)
        self.ticker = Ticker(self._rules, send_to_each_target)
        self.ticker.start()
        self._exit.callback(self.ticker.stop)

    def _rules(self) -> list[Any]:
        from moto.events.models import events_backends

        with self.lock:
            buses = events_backends[ACCOUNT][REGION].event_buses.values()
            return [rule for bus in buses for rule in bus.rules.values()]

    def _message_arrived(self, queue: str) -> None:
        if poller := self._pollers.get(queue):
            poller.wake()

    def _resume(self, unfinished: list[dict[str, Any]]) -> None:
        from recdrop.local.state.executions import resume_execution

        for entry in unfinished:
            with self.lock:
                resume_execution(entry)

    def _warm(self) -> None:
        """Make the slow first clients before somebody waits for them."""
        for service in WARM_SERVICES:
            if self.stop_requested.is_set() or not self.ready:
                return
            self._clients.get(service)

    def _wind_down(self) -> None:
        """End what runs and keep the data."""
        from recdrop.local.state.executions import kept_executions, stop_executions

        # Executions are kept as they were before they were stopped: the next stack resumes them.
        with self.lock:
            before = kept_executions()
        deadline = time.monotonic() + STOP_SECONDS
        stop_executions(self.lock, STOP_SECONDS)
        self.lambdas.wait_idle(max(0.0, deadline - time.monotonic()))
        forget_warm_state(self.options.project)
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper.save(before)

    def invoke(self, logical_id: str, event: Any) -> Any:
        """The result of a function, by its logical id.

        Raises:
            RuntimeError: it failed; the text is the error document.
        """
        answer = self.lambdas.invoke(self.resources[logical_id], json.dumps(event).encode())
        if answer.failed:
            raise RuntimeError(answer.payload.decode())
        return json.loads(answer.payload)

    def stop(self) -> None:
        """Stop polling, wait for what runs, close the ports. May be called twice."""
        self.ready = False
        self.stop_requested.set()
        self._exit.close()


def print_line(line: Line) -> None:
    """A line of a Lambda's log, for the terminal of `recdrop up --verbose`."""
    print(pretty(line), file=sys.stderr)
