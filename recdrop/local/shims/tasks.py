"""Step Functions tasks: `aws-sdk:` integrations in AWS's casing, clients of this stack."""

from __future__ import annotations

import base64
import datetime as dt
import io
import sys
from typing import Any

from botocore.exceptions import ClientError

from recdrop.local.aws.identity import ACCOUNT, REGION
from recdrop.local.iam.operations import Need
from recdrop.local.lambdas.function import InvokeError
from recdrop.local.shims.site import site
from recdrop.local.shims.times import utc_text

STATES = "states.amazonaws.com"
# AWS tells a role's trust policy which machine it is for. Here it is any of this account.
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:*"


def speak_pascal_case() -> None:
    """`aws-sdk:` tasks have botocore's casing and lower-case errors; AWS has PascalCase."""
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
        # A state machine writes `createSolution`, botocore's model has `CreateSolution`.
        wanted = task.resource.api_action.lower()
        found = next(name for name in model.operation_names if name.lower() == wanted)
        return model.operation_model(found)

    sdk.StateTaskServiceAwsSdk._normalise_parameters = normalise_parameters
    sdk.StateTaskServiceAwsSdk._normalise_response = normalise_response
    # The prefix of an error's name in `ErrorEquals`: S3.NoSuchKey, not s3.NoSuchKey.
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
    """The part of boto3's Lambda client that the interpreter uses, without HTTP.

    0.2 ms a task instead of 3. The role of the state machine has to allow it, and to trust Step
    Functions.
    """

    def __init__(self, role: str) -> None:
        self._role = role

    def invoke(self, FunctionName: str, Payload: bytes = b"{}", **_: Any) -> dict[str, Any]:
        """Invoke on the Lambda host, with the answer of boto3.

        Raises:
            ClientError: the service refused the call.
        """
        try:
            self._check(FunctionName)
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

    def _check(self, function: str) -> None:
        """Refuse what the role does not allow, under the name that Step Functions gives to it.

        Raises:
            InvokeError: 403.
        """
        arn = site().lambdas.get(function).arn
        need = Need("lambda:InvokeFunction", arn)
        if refusal := site().guard.check_for_service(STATES, MACHINE, self._role, need):
            raise InvokeError(403, "AWSLambdaException", refusal)


def reuse_clients() -> None:
    """Each task makes a new boto3 client: 6 ms, and a wrong port on `localhost`.

    The function that makes it was imported by name into ten modules, so it is replaced in each.
    """
    import moto.stepfunctions.parser.models  # noqa: F401  imports the ten modules
    from moto.stepfunctions.parser.asl.utils import boto_client

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        del region
        role = state_credentials.role_arn if state_credentials else ""
        return (
            InProcessLambda(role) if service == "lambda" else site().clients_of(role).get(service)
        )

    replaced = boto_client.boto_client_for
    for name, module in list(sys.modules.items()):
        if not name.startswith("moto.stepfunctions"):
            continue
        if getattr(module, "boto_client_for", None) is replaced:
            vars(module)["boto_client_for"] = boto_client_for
