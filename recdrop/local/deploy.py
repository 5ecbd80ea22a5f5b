"""Creates the stack in moto from a `LocalTemplate`.

What moto's CloudFormation leaves out (bucket notifications, subscriptions, event source mappings)
is made by API, or handed to the pollers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recdrop.local.aws import slimmoto

slimmoto.install()

from recdrop.local.aws.identity import ACCOUNT, REGION  # noqa: E402
from recdrop.local.events.sources import QueueSource  # noqa: E402
from recdrop.local.iam.guard import Guard  # noqa: E402
from recdrop.local.iam.operations import Place  # noqa: E402
from recdrop.local.iam.packaged import Policies, read_policies  # noqa: E402
from recdrop.local.iam.policy import PolicyError  # noqa: E402
from recdrop.local.iam.principals import Principals  # noqa: E402
from recdrop.local.lambdas.function import Function  # noqa: E402
from recdrop.local.template import (  # noqa: E402
    CODE_BUCKET,
    CODE_KEY,
    LocalTemplate,
    Subscription,
    empty_zip,
)

LAMBDA = "lambda.amazonaws.com"


class DeployError(Exception):
    """moto could not create the stack; the message says which resource and why."""


@dataclass(frozen=True)
class Deployment:
    """The created stack.

    `resources` has the physical names by logical id, `sources` the queues that feed functions,
    `targets` the ARNs of what a service can send to.
    """

    resources: Mapping[str, str]
    outputs: Mapping[str, str]
    functions: tuple[Function, ...]
    sources: tuple[QueueSource, ...]
    policies: Policies
    targets: tuple[str, ...]


def deploy(template: LocalTemplate, name: str) -> Deployment:
    """Create the stack.

    Raises:
        DeployError: moto could not.
    """
    from moto.s3.models import s3_backends

    s3 = s3_backends[ACCOUNT]["aws"]
    # moto wants to see the functions' code. It is an empty zip, there for as long as moto looks: the
    # handlers run from the source tree.
    s3.create_bucket(CODE_BUCKET, REGION)
    s3.put_object(CODE_BUCKET, CODE_KEY, empty_zip())
    stack = create_stack(template, name)
    s3.delete_object(CODE_BUCKET, CODE_KEY)
    s3.delete_bucket(CODE_BUCKET)
    resources = {
        logical: str(resource.physical_resource_id)
        for logical in template.body["Resources"]
        if hasattr(resource := stack.resource_map[logical], "physical_resource_id")
    }
    for logical in template.notifying_buckets:
        s3.get_bucket(resources[logical]).set_notification_configuration(
            {"EventBridgeConfiguration": {}}
        )
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in stack.outputs or ()}
    sources = tuple(
        QueueSource(
            outputs.pop(mapping.output).split(":")[-1], resources[mapping.function], mapping
        )
        for mapping in template.event_sources
    )
    for subscription in template.subscriptions:
        if subscription.topic_output in outputs:  # else its condition is false
            subscribe(subscription, outputs)
    functions = tuple(find_functions(template, resources))
    policies, targets = find_policies(template, stack), tuple(find_targets(template, stack))
    return Deployment(resources, outputs, functions, sources, policies, targets)


def find_targets(template: LocalTemplate, stack: Any) -> Iterator[str]:
    """The ARNs of the queues, topics and functions."""
    for logical, resource in template.body["Resources"].items():
        made = stack.resource_map[logical]
        if made is None:  # its condition is false
            continue
        match resource["Type"]:
            case "AWS::SQS::Queue":
                yield str(made.queue_arn)
            case "AWS::SNS::Topic":
                yield str(made.arn)
            case "AWS::Lambda::Function":
                yield str(made.function_arn)


def find_policies(template: LocalTemplate, stack: Any) -> Policies:
    """The policies of the template, their references resolved as CloudFormation resolves them."""
    from moto.cloudformation.parsing import clean_json

    def resolve(value: Any) -> Any:
        # A policy is read, not made: what it refers to exists by now.
        return without_nothing(clean_json(value, stack.resource_map))

    made = {**template.body["Resources"], **template.policies}
    conditions = stack.resource_map.lazy_condition_map
    wanted = {
        logical: resource
        for logical, resource in made.items()
        if "Condition" not in resource or conditions[resource["Condition"]]
    }
    arns = {
        logical: str(stack.resource_map[logical].arn)
        for logical, resource in wanted.items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    return read_policies(wanted, resolve, arns, Place(REGION, ACCOUNT))


def open_guard(guard: Guard, deployment: Deployment) -> dict[str, str]:
    """Give the guard the policies of the stack; returns the access key of each function.

    Raises:
        DeployError: a policy cannot be evaluated, or a function's role does not trust Lambda.
    """
    principals = Principals(deployment.policies.roles)
    try:
        policies = deployment.policies
        guard.open(principals, policies.of_resources, deployment.targets, policies.keys)
    except PolicyError as error:
        raise DeployError(str(error)) from error
    keys = {}
    for function in deployment.functions:
        role = principals.role(function.role)
        if role is None:  # a role from elsewhere: nobody knows what it allows
            continue
        _, decision = guard.check_trust(guard.service(LAMBDA, function.arn), role)
        if not decision.allowed:
            raise DeployError(
                f"The role defined for the function cannot be assumed by Lambda. {role.trust.name} "
                f"of {function.name} does not allow sts:AssumeRole to {LAMBDA}."
            )
        keys[function.name] = principals.open_session(role.arn, function.name)
    return keys


def without_nothing(value: Any) -> Any:
    """A resolved value without what `AWS::NoValue` took out of its lists."""
    if isinstance(value, dict):
        return {key: without_nothing(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nothing(inner) for inner in value if inner is not None]
    return value


def subscribe(subscription: Subscription, outputs: dict[str, str]) -> None:
    """Make an SNS subscription of resolved outputs, which are taken out."""
    from moto.sns.models import sns_backends

    backend = sns_backends[ACCOUNT][REGION]
    made = backend.subscribe(
        outputs.pop(subscription.topic_output),
        outputs.pop(subscription.endpoint_output),
        subscription.protocol,
    )
    for name, value in subscription.attributes.items():
        backend.set_subscription_attributes(made.arn, name, value)


def create_stack(template: LocalTemplate, name: str) -> Any:
    """The stack, in process: the API would cost a second of start-up for the same call."""
    from moto.cloudformation.models import cloudformation_backends

    backend = cloudformation_backends[ACCOUNT][REGION]
    body = json.dumps(template.body)
    stack = backend.create_stack(name, body, {})
    if stack.status != "CREATE_COMPLETE":
        raise DeployError(f"Stack {name!r} ended as {stack.status}. Expected CREATE_COMPLETE.")
    return stack


def find_functions(template: LocalTemplate, resources: Mapping[str, str]) -> list[Function]:
    """The functions of the stack, their environment as CloudFormation resolved it."""
    from moto.awslambda.models import lambda_backends

    backend = lambda_backends[ACCOUNT][REGION]
    functions = []
    for logical, resource in template.body["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        name = resources[logical]
        deployed = backend.get_function(name)
        functions.append(
            Function(
                name=name,
                handler=resource["Properties"]["Handler"],
                timeout=int(resource["Properties"].get("Timeout", 3)),
                memory=int(resource["Properties"].get("MemorySize", 128)),
                environment={key: str(value) for key, value in deployed.environment_vars.items()},
                role=str(deployed.role),
            )
        )
    return functions
