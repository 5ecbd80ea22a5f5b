"""What moto 5.2.5 leaves out or gets wrong, mended: one small function each, one test each
(tests/local/test_shims.py).

moto keeps its state in module globals, so the shims patch module globals too: `install` once per
process, then `site` says which stack is served now. Three of the gaps fail silently (a schedule
rule swallows all later rules, an event source mapping deletes messages unseen, a bucket never
notifies); the last two are handled in `recdrop.local.template` and `recdrop.local.deploy`.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from recdrop.local import slimmoto
from recdrop.local.clock import Clock
from recdrop.local.lambdas import InvokeError, LambdaHost

slimmoto.install()

from botocore.exceptions import ClientError  # noqa: E402

from recdrop.local.clients import Clients  # noqa: E402

LOG = logging.getLogger(__name__)
KEPT_EXECUTIONS = 500
Patch = Callable[[], None]


@dataclass
class Site:
    """The stack that moto's globals serve at the moment."""

    clients: Clients
    lambdas: LambdaHost
    clock: Clock
    lock: threading.RLock
    message_arrived: Callable[[str], None] = field(default=lambda _queue: None)
    execution_ended: Callable[[Any], None] = field(default=lambda _execution: None)


_site: Site | None = None
_installed = False


def site() -> Site:
    """The stack served now."""
    if _site is None:
        raise RuntimeError("No local stack is running in this process.")
    return _site


def install(new_site: Site | None) -> None:
    """Serve `new_site` from now on; patch moto at the first call."""
    global _site, _installed
    _site = new_site
    if not _installed:
        for patch in SHIMS:
            patch()
        _installed = True


def utc_text(moment: dt.datetime | float | None = None) -> str:
    """A time as Step Functions and EventBridge write it: `2026-11-21T22:12:00.000Z`."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.fromtimestamp(time.time() if moment is None else moment, dt.UTC)
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def deliver_per_rule_and_target() -> None:
    """A schedule rule matches every event and its failing target ends the loop: later rules never
    see the event.
    """
    from moto.events.models import Rule

    def send_to_targets(rule: Any, original_event: Any, transform_input: bool = True) -> None:
        del transform_input
        if (
            rule.scheduled_expression
            or rule.state != "ENABLED"
            or not rule.event_pattern.matches_event(original_event)
        ):
            return
        send_to_each_target(rule, original_event)

    Rule.send_to_targets = send_to_targets


def send_to_each_target(rule: Any, event: dict[str, Any]) -> None:
    """Send the event to the rule's targets; one that fails is logged and does not stop the others."""
    for target in rule.targets:
        try:
            send_to_target(rule, target, event)
        except Exception:
            LOG.exception("Rule %s could not reach %s", rule.name, target["Arn"])


def send_to_target(rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
    """One delivery: an SQS queue, a Lambda function, a state machine, an SNS topic, or what moto
    itself knows.
    """
    service, region = target["Arn"].split(":")[2:4]
    text = target_input(target, event)
    name = target["Arn"].split(":")[-1]
    match service:
        case "sqs":
            from moto.sqs.models import sqs_backends

            group = target.get("SqsParameters", {}).get("MessageGroupId")
            with site().lock:
                sqs_backends[rule.account_id][region].send_message(name, text, group_id=group)
        case "lambda":
            site().lambdas.invoke_later(target["Arn"], text.encode())
        case "states":
            from moto.stepfunctions.parser.models import stepfunctions_parser_backends

            with site().lock:
                stepfunctions_parser_backends[rule.account_id][region].start_execution(
                    target["Arn"], str(uuid.uuid4()), text
                )
        case "sns":
            from moto.sns.models import sns_backends

            with site().lock:
                sns_backends[rule.account_id][region].publish(message=text, arn=target["Arn"])
        case "logs":
            rule._send_to_cw_log_group(name, dict(event))
        case _:
            raise NotImplementedError(
                f"Target {target['Arn']!r}. Expected SQS, Lambda, Step Functions, SNS or Logs."
            )


def target_input(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The text a target receives: its constant input, its transformed input, or the event with its
    time as ISO 8601.
    """
    from moto.events.utils import EventTemplateParser

    if "Input" in target:
        return str(target["Input"])
    event = {
        **event,
        "time": event["time"]
        if isinstance(event.get("time"), str)
        else utc_text(event.get("time")),
    }
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        transformed = EventTemplateParser.parse(
            input_template=transformer["InputTemplate"],
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,
        )
        return transformed if isinstance(transformed, str) else json.dumps(transformed)
    return json.dumps(event)


def write_s3_events_as_aws_does() -> None:
    """moto's S3 events share one id and one sequencer and spell `etag` `eTag`; its bare except
    hides every failure.

    It also reports tags and an ACL as set with every put; those events are dropped.
    """
    from moto.events.models import events_backends
    from moto.s3 import notifications

    def send_event_bridge_message(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        if event_name.startswith(("s3:ObjectTagging", "s3:ObjectAcl")):
            return
        event = s3_event(account_id, bucket, event_name, key)
        for bus in events_backends[account_id][bucket.region_name].event_buses.values():
            for rule in bus.rules.values():
                rule.send_to_targets(event)

    notifications._send_event_bridge_message = send_event_bridge_message


def s3_event(account: str, bucket: Any, event_name: str, key: Any) -> dict[str, Any]:
    """The EventBridge event of an object, key unencoded."""
    from moto.s3.notifications import _detail_type

    action = event_name.removeprefix("s3:").split(":")[-1]
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {
            "key": key.name,
            "size": key.size,
            "etag": key.etag.replace('"', ""),
            "sequencer": f"{time.time_ns():016X}",
        },
        "request-id": uuid.uuid4().hex[:16].upper(),
        "requester": account,
        "source-ip-address": "127.0.0.1",
        "reason": {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}.get(
            action, action
        ),
    }
    if bucket.is_versioned and key.version_id:
        detail["object"]["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": _detail_type(event_name),
        "source": "aws.s3",
        "account": account,
        "time": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": detail,
    }


def announce_messages() -> None:
    """moto feeds Lambdas inside SendMessage; the pollers want to know of a message instead of
    asking 20 times a second.
    """
    from moto.sqs.models import Queue

    original = Queue.add_message

    def add_message(queue: Any, message: Any) -> None:
        original(queue, message)
        site().message_arrived(queue.name)

    Queue.add_message = add_message


def address_queues_here() -> None:
    """A queue made by CloudFormation has an address at AWS, which some SDKs (and curl) would really
    call.
    """
    from moto.sqs.models import Queue

    def physical_resource_id(queue: Any) -> str:
        return f"{site().clients.endpoint}/{queue.account_id}/{queue.name}"

    Queue.physical_resource_id = property(physical_resource_id)


def create_state_machines_that_execute() -> None:
    """CloudFormation and the API put state machines into a backend that only pretends to run them."""
    import moto.stepfunctions.models as models
    from moto.core.config import default_user_config
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    models.stepfunctions_backends = stepfunctions_parser_backends
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def name_step_functions_errors() -> None:
    """The interpreter's refusals (InvalidDefinition, InvalidExecutionInput, ...) reach clients with
    an empty code.
    """
    from moto.core.exceptions import AWSError
    from moto.stepfunctions.parser import api

    for value in list(vars(api).values()):
        if (
            isinstance(value, type)
            and issubclass(value, AWSError)
            and isinstance(vars(value).get("code"), str)
        ):
            setattr(value, "TYPE", vars(value)["code"])  # noqa: B010  mypy sees a bare type


def name_executions() -> None:
    """A start without a name is named `None`, so the second one clashes; given names are not
    validated.
    """
    from moto.stepfunctions.parser.models import StepFunctionsParserBackend as Backend

    original = Backend.start_execution

    def start_execution(
        backend: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        **more: Any,
    ) -> Any:
        name = name or str(uuid.uuid4())
        backend._validate_name(name)
        return original(backend, state_machine_arn, name, execution_input, **more)

    Backend.start_execution = start_execution


def write_times_as_text() -> None:
    """A datetime in the state data (`$$.Execution.StartTime`) makes DescribeExecution answer 500."""
    from moto.stepfunctions.parser.backend.execution import Execution

    original = Execution.get_start_execution_details

    def get_start_execution_details(execution: Any) -> Any:
        details = original(execution)
        details.start_time = utc_text(execution.start_date)
        return details

    Execution.get_start_execution_details = get_start_execution_details


def speak_pascal_case() -> None:
    """`aws-sdk:` tasks take and give botocore's casing and lower-case error prefixes; Step
    Functions has PascalCase.
    """
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_aws_sdk as sdk,
    )

    def normalise_parameters(task: Any, parameters: Any, *_: Any, **__: Any) -> None:
        shape = operation(task).input_shape
        if shape is not None and isinstance(parameters, dict):
            task._to_boto_request(parameters, shape)

    def normalise_response(task: Any, response: Any, *_: Any, **__: Any) -> None:
        shape = operation(task).output_shape
        if shape is not None and isinstance(response, dict):
            task._from_boto_response(response, shape)
            to_json_types(response)

    def operation(task: Any) -> Any:
        model = site().clients.get(task._get_boto_service_name()).meta.service_model
        wanted = task.resource.api_action.lower()
        return model.operation_model(
            next(name for name in model.operation_names if name.lower() == wanted)
        )

    sdk.StateTaskServiceAwsSdk._normalise_parameters = normalise_parameters
    sdk.StateTaskServiceAwsSdk._normalise_response = normalise_response
    sdk._SERVICE_ERROR_NAMES.update(
        personalize="Personalize",
        personalizeruntime="PersonalizeRuntime",
        s3="S3",
        sns="Sns",
        sqs="Sqs",
        ssm="Ssm",
    )


def to_json_types(value: Any) -> Any:
    """Turn times and bytes inside `value` into text, in place where it can be done."""
    match value:
        case dict():
            for key, inner in value.items():
                value[key] = to_json_types(inner)
        case list():
            value[:] = [to_json_types(inner) for inner in value]
        case dt.datetime():
            return utc_text(value)
        case bytes():
            return base64.b64encode(value).decode()
    return value


class InProcessLambda:
    """The part of boto3's Lambda client that the interpreter uses, without HTTP: 0.2 ms a task
    instead of 3.
    """

    def invoke(self, FunctionName: str, Payload: bytes = b"{}", **_: Any) -> dict[str, Any]:
        """Invoke on the Lambda host; errors of the service are botocore's `ClientError`."""
        try:
            answer = site().lambdas.invoke(FunctionName, Payload)
        except InvokeError as error:
            response: Any = {
                "Error": {"Code": error.code, "Message": str(error)},
                "ResponseMetadata": {"HTTPStatusCode": error.status, "RequestId": error.request_id},
            }
            raise ClientError(response, "Invoke") from error
        reply: dict[str, Any] = {
            "StatusCode": 200,
            "ExecutedVersion": "$LATEST",
            "Payload": io.BytesIO(answer.payload),
            "ResponseMetadata": {
                "HTTPStatusCode": 200,
                "RequestId": answer.request_id,
                "HTTPHeaders": {},
            },
        }
        return {**reply, "FunctionError": "Unhandled"} if answer.failed else reply


def reuse_clients() -> None:
    """A new boto3 client per task on `localhost`, imported by name into ten modules: 6 ms each, and
    a wrong port.
    """
    import moto.stepfunctions.parser.models  # noqa: F401  imports the ten modules
    from moto.stepfunctions.parser.asl.utils import boto_client

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        del region, state_credentials
        return InProcessLambda() if service == "lambda" else site().clients.get(service)

    replaced = boto_client.boto_client_for
    for name, module in list(sys.modules.items()):
        if (
            name.startswith("moto.stepfunctions")
            and getattr(module, "boto_client_for", None) is replaced
        ):
            vars(module)["boto_client_for"] = boto_client_for


def scale_retries() -> None:
    """Retry sleeps cannot go below 1 s and ignore StopExecution; these are scaled and end when the
    run is stopped.
    """
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    class RunClock:
        @staticmethod
        def sleep(seconds: float) -> None:
            raise AssertionError(f"RetrierDecl slept {seconds} s outside the clock.")

    def eval_body(retrier: Any, env: Any) -> None:
        retrier.error_equals.eval(env)
        if not env.stack.pop():
            env.stack.append(retrier_decl.RetrierOutcome.Skipped)
            return
        retrier.max_attempts.eval(env=env)
        if env.stack.pop() == retrier_decl.MaxAttemptsOutcome.EXHAUSTED:
            env.stack.append(retrier_decl.RetrierOutcome.Failed)
            return
        for part in (retrier.interval_seconds, retrier.backoff_rate, retrier.max_delay_seconds):
            part.eval(env=env)
        retrier.jitter_strategy.eval(env=env)
        site().clock.wait_while(env.is_running, env.program_state_event, env.stack.pop())
        env.stack.append(retrier_decl.RetrierOutcome.Executed)

    retrier_decl.time = RunClock
    retrier_decl.RetrierDecl._eval_body = eval_body


def scale_waits() -> None:
    """A Wait state of 60 s takes 60 s; here it takes what the clock says."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
        WaitFunction,
    )

    def wait_interval(_function: Any, env: Any, wait_seconds: float) -> None:
        site().clock.wait_while(env.is_running, env.program_state_event, wait_seconds)

    WaitFunction._wait_interval = wait_interval


def notice_ends() -> None:
    """Tell the stack of each ended execution, and forget the oldest: histories and dead threads are
    kept for ever.
    """
    from moto.stepfunctions.parser import utils
    from moto.stepfunctions.parser.backend.execution import (
        BaseExecutionWorkerCommunication,
        Execution,
    )

    original = BaseExecutionWorkerCommunication.terminated
    original_stop = Execution.stop

    def terminated(communication: Any) -> None:
        original(communication)
        utils.TMP_THREADS[:] = [thread for thread in utils.TMP_THREADS if thread.is_alive()]
        if _site is not None:
            with _site.lock:
                trim_executions(communication.execution)
            _site.execution_ended(communication.execution)

    def stop(execution: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
        execution.error, execution.cause = error, cause
        original_stop(execution, stop_date, error, cause)

    BaseExecutionWorkerCommunication.terminated = terminated
    Execution.stop = stop


def trim_executions(ended: Any) -> None:
    """Keep the newest finished executions of the machine, and all running ones."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    backend = stepfunctions_parser_backends[ended.account_id][ended.region_name]
    for machine in backend.state_machines:
        finished = [execution for execution in machine.executions if execution.status != "RUNNING"]
        for execution in finished[: max(0, len(finished) - KEPT_EXECUTIONS)]:
            machine.executions.remove(execution)


def page_histories() -> None:
    """GetExecutionHistory ignores maxResults, nextToken and reverseOrder; StopExecution drops error
    and cause.
    """
    from moto.core.responses import ActionResult
    from moto.stepfunctions.responses import StepFunctionResponse

    def get_execution_history(response: Any) -> Any:
        arn = response._get_param("executionArn")
        events = list(response.stepfunction_backend.get_execution_history(arn)["events"])
        if response._get_param("reverseOrder"):
            events.reverse()
        start = int(response._get_param("nextToken") or 0)
        end = start + (response._get_int_param("maxResults") or 1000)
        page = {"events": events[start:end]}
        return ActionResult(page | ({"nextToken": str(end)} if end < len(events) else {}))

    def stop_execution(response: Any) -> Any:
        backend = response.stepfunction_backend
        execution = backend.describe_execution(response._get_param("executionArn"))
        stopped_at = dt.datetime.now(dt.UTC)
        if execution.status == "RUNNING":
            execution.stop(stopped_at, response._get_param("error"), response._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date or stopped_at})

    StepFunctionResponse.get_execution_history = get_execution_history
    StepFunctionResponse.stop_execution = stop_execution


def parse_definitions_once() -> None:
    """Each start parses the definition anew with ANTLR: 0.2 s for the pipeline.

    Programs keep no state of a run.
    """
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    AmazonStateLanguageParser.parse = staticmethod(
        lru_cache(maxsize=32)(AmazonStateLanguageParser.parse)
    )


def redrive_executions() -> None:
    """RedriveExecution is missing.

    Here it runs the whole machine again under the same name: every task finds its work.
    """
    from moto.core.responses import ActionResult
    from moto.stepfunctions import responses

    def redrive_execution(response: Any) -> Any:
        execution = response.stepfunction_backend.describe_execution(
            response._get_param("executionArn")
        )
        if execution.status not in {"FAILED", "ABORTED", "TIMED_OUT"}:
            raise responses.ValidationException(
                f"Execution is {execution.status}. Expected FAILED, ABORTED or TIMED_OUT."
            )
        execution.exec_worker = execution.error = execution.cause = execution.output = (
            execution.stop_date
        ) = None
        execution.start()
        return ActionResult({"redriveDate": dt.datetime.now(dt.UTC)})

    responses.StepFunctionResponse.redrive_execution = redrive_execution


def name_resources_by_logical_id() -> None:
    """Random suffixes give a bucket another name whenever a function is added; data that is kept
    would lose its home.
    """
    from moto.cloudformation import parsing

    original = parsing.generate_resource_name

    def generate_resource_name(resource_type: str, stack_name: str, logical_id: str) -> str:
        before = parsing.random_suffix
        suffix = hashlib.sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:12].upper()
        parsing.random_suffix = lambda: suffix
        try:
            return str(original(resource_type, stack_name, logical_id))
        finally:
            parsing.random_suffix = before

    parsing.generate_resource_name = generate_resource_name


def parse_templates_as_json() -> None:
    """CloudFormation reads JSON templates with pure-Python YAML: a second of start-up for what
    takes a millisecond.
    """
    from moto.cloudformation.models import Stack

    original = Stack.parse_template

    def parse_template(template: str) -> Any:
        return json.loads(template) if template.lstrip().startswith("{") else original(template)

    Stack.parse_template = staticmethod(parse_template)


SHIMS: tuple[Patch, ...] = (
    parse_templates_as_json,
    name_resources_by_logical_id,
    deliver_per_rule_and_target,
    write_s3_events_as_aws_does,
    announce_messages,
    address_queues_here,
    create_state_machines_that_execute,
    name_step_functions_errors,
    name_executions,
    write_times_as_text,
    speak_pascal_case,
    reuse_clients,
    scale_retries,
    scale_waits,
    notice_ends,
    page_histories,
    parse_definitions_once,
    redrive_executions,
)
