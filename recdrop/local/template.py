"""From the project to a CloudFormation template that moto can create.

    chalice package (in process) + merge template -> SAM template -> CloudFormation ->
    `LocalTemplate`

The template is the one that deploys, minus what moto has no model for. What was cut is not lost:
`LocalTemplate` says which event source mappings to poll, which buckets notify EventBridge and which
REST API to serve. No AWS call is made here, no dependency is packaged and nothing is built:
functions run from the source tree.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recdrop.local import statemachine
from recdrop.local.aws.identity import REGION
from recdrop.local.events.sources import EventSource
from recdrop.local.gateway.routes import RestApi
from recdrop.local.lambdas.handlers import forget_module_of_other_project

Json = dict[str, Any]
CODE_BUCKET = "recdrop-local-code"
CODE_KEY = "empty.zip"
SERVED_TYPES = (
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::StepFunctions::StateMachine",
)
# Policies that are resources of their own. moto's own reading of them is not used: it takes a Deny
# whose condition is false for one without a condition.
POLICY_TYPES = (
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
)


class TemplateError(Exception):
    """The project cannot be turned into a stack.

    The message names the file and what was expected of it.
    """


@dataclass(frozen=True)
class Subscription:
    """An SNS subscription, which moto's CloudFormation lacks.

    Topic and endpoint are the stack outputs that are named here.
    """

    topic_output: str
    endpoint_output: str
    protocol: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class LocalTemplate:
    """What moto creates (`body`), and what this package makes itself from the same template.

    `policies` are the policies of buckets, queues and topics: the guard judges by them, not moto.
    """

    body: Json
    event_sources: tuple[EventSource, ...]
    subscriptions: tuple[Subscription, ...]
    notifying_buckets: tuple[str, ...]
    api: RestApi | None
    policies: Json = field(default_factory=dict)
    cut: Mapping[str, int] = field(default_factory=dict)


def build(project: Path, merge: Path | None, stage: str | None, name: str) -> LocalTemplate:
    """The template of the project's stage (default: the first of its config), ready for moto.

    Chalice reads routes and triggers from the running code, so the project's `app` is imported.

    Raises:
        TemplateError: the project, its merge template or a state machine cannot be used.
    """
    sam = package(project, merge, stage or first_stage(project))
    return localise(translate(prepare(sam, project, name)), sam)


def first_stage(project: Path) -> str:
    """The first stage that .chalice/config.json names."""
    path = project / ".chalice" / "config.json"
    if not path.is_file():
        raise TemplateError(
            f"No .chalice/config.json in {str(project)!r}. Expected the root of a Chalice project."
        )
    stages: Json = json.loads(path.read_text()).get("stages", {})
    return next(iter(stages), "dev")


def package(project: Path, merge: Path | None, stage: str) -> Json:
    """`chalice package` in this process: the SAM template.

    An empty zip takes the place of the deployment package, for which Chalice would run pip.

    Raises:
        TemplateError: there is no merge template.
    """
    from chalice.cli.factory import CLIFactory
    from chalice.deploy.deployer import DeploymentPackager

    if merge is not None and not merge.is_file():
        raise TemplateError(f"No merge template at {str(merge)!r}.")
    # Chalice asks for a region, even to write a template that names none.
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    forget_module_of_other_project(project, "app")
    with tempfile.TemporaryDirectory() as folder:
        placeholder = Path(folder, "placeholder.zip")
        placeholder.write_bytes(empty_zip())

        def skip_packaging(_step: object, _config: object, resource: Any) -> None:
            resource.filename = str(placeholder)

        # Chalice has no switch for this. Nothing else of this process packages at the same time.
        original = DeploymentPackager.handle_deploymentpackage
        DeploymentPackager.handle_deploymentpackage = skip_packaging
        try:
            factory = CLIFactory(str(project), environ=os.environ)
            config = factory.create_config_obj(stage)
            packager = factory.create_app_packager(
                config,
                factory.create_package_options(),
                "cloudformation",
                "json",
                str(merge) if merge else None,
            )
            packager.package_app(config, folder, stage)
        finally:
            DeploymentPackager.handle_deploymentpackage = original
        packaged: Json = json.loads(Path(folder, "sam.json").read_text())
    return packaged


def empty_zip() -> bytes:
    """A valid zip with one empty file: moto wants one behind every CodeUri."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "")
    return buffer.getvalue()


def prepare(sam: Json, project: Path, name: str) -> Json:
    """A copy of the SAM template that can be translated without S3.

    Functions get an empty zip, layers go, and the state machines' definitions are read in.
    """
    prepared: Json = json.loads(json.dumps(sam))
    for logical, resource in list(prepared["Resources"].items()):
        properties = resource.setdefault("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function" | "AWS::Lambda::Function":
                use_empty_code(properties, resource["Type"])
                # The layer's DuckDB is installed here; moto would ask for its zip.
                properties.pop("Layers", None)
                properties.setdefault("FunctionName", f"{name}-{logical}"[:64])
            case "AWS::Serverless::LayerVersion" | "AWS::Lambda::LayerVersion":
                del prepared["Resources"][logical]
            case "AWS::Serverless::StateMachine" if isinstance(
                properties.get("DefinitionUri"), str
            ):
                properties["Definition"] = read_definition(project, properties.pop("DefinitionUri"))
    return prepared


def use_empty_code(properties: Json, kind: str) -> None:
    """Point the function at the empty zip: the Lambda host runs it from the source tree."""
    if kind == "AWS::Serverless::Function":
        properties["CodeUri"] = f"s3://{CODE_BUCKET}/{CODE_KEY}"
    else:
        properties["Code"] = {"S3Bucket": CODE_BUCKET, "S3Key": CODE_KEY}


def read_definition(project: Path, uri: str) -> Json:
    """The state machine that a local `DefinitionUri` names.

    The path is relative to the project, or to its infrastructure folder.
    """
    for path in (project / uri, project / "infrastructure" / uri):
        if path.is_file():
            try:
                return statemachine.read(path)
            except statemachine.DefinitionError as error:
                raise TemplateError(str(error)) from error
    raise TemplateError(f"DefinitionUri is {uri!r}. Expected a file below {str(project)!r}.")


def translate(sam: Json) -> Json:
    """SAM to plain CloudFormation."""
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform

    # Without a collector it warns that its own usage metrics are unpublished.
    logging.getLogger("samtranslator.metrics").setLevel(logging.ERROR)
    try:
        translated: Json = transform(sam, {}, NoManagedPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise TemplateError(f"The merged template is not valid SAM: {causes}") from error
    return translated


class NoManagedPolicies:
    """Managed policies by name would need IAM; roles here name policies by document or ARN."""

    def load(self) -> dict[str, str]:
        """No names known."""
        return {}


def localise(template: Json, sam: Json) -> LocalTemplate:
    """Split the translated template into what moto creates and what this package makes."""
    resources = template["Resources"]
    policies = {name: r for name, r in resources.items() if r["Type"] in POLICY_TYPES}
    kept, cut = split_resources({n: r for n, r in resources.items() if n not in policies})
    outputs = keep_outputs(template, cut)
    # Both add outputs of their own: so CloudFormation resolves what they refer to.
    sources = tuple(
        read_event_source(name, properties, outputs)
        for name, properties in of_type(cut, "AWS::Lambda::EventSourceMapping")
    )
    subscriptions = tuple(
        read_subscription(name, properties, outputs, cut[name].get("Condition"))
        for name, properties in of_type(cut, "AWS::SNS::Subscription")
    )
    return LocalTemplate(
        body={**template, "Resources": make_servable(kept, cut), "Outputs": outputs},
        event_sources=sources,
        subscriptions=subscriptions,
        notifying_buckets=tuple(name for name in kept if notifies_eventbridge(kept[name])),
        api=find_api(sam),
        policies={name: without(cut, resource) for name, resource in policies.items()},
        cut=count_types(cut),
    )


def serve(sam: Json) -> Json:
    """What moto's CloudFormation can make of a SAM template that somebody deploys.

    Unlike the stack's own template, its functions are only made: nothing invokes them.
    """
    template = translate(sam)
    kept, cut = split_resources(template["Resources"])
    for _, properties in of_type(kept, "AWS::Lambda::Function"):
        properties.pop("Layers", None)  # moto would ask for its zip
    resources = make_servable(kept, cut)
    return {**template, "Resources": resources, "Outputs": keep_outputs(template, cut)}


def keep_outputs(template: Json, cut: Json) -> Json:
    """The outputs that name nothing that was cut."""
    return {
        name: output
        for name, output in template.get("Outputs", {}).items()
        if not refers_to(output, cut.keys())
    }


def make_servable(kept: Json, cut: Json) -> Json:
    """The kept resources without references to cut ones, and with definitions that moto reads."""
    for resource in kept.values():
        # It may name what was cut. moto creates what is referred to first, without being told.
        resource.pop("DependsOn", None)
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
            resource["DeletionPolicy"] = (
                "Retain"  # moto knows the older word, and rolls nothing back
            )
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            inline_definition(resource["Properties"])
    return {name: without(cut, resource) for name, resource in kept.items()}


def split_resources(resources: Json) -> tuple[Json, Json]:
    """The resources that moto creates, and the others.

    A permission on one of the others is in neither: there is nothing to permit.
    """
    served = {name: r for name, r in resources.items() if r["Type"] in SERVED_TYPES}
    cut = {name: r for name, r in resources.items() if name not in served}
    kept = {name: r for name, r in served.items() if not is_permission_on(r, cut)}
    return kept, cut


def is_permission_on(resource: Json, cut: Json) -> bool:
    """Whether the resource only lets a cut one (the REST API) call a function."""
    return resource["Type"] == "AWS::Lambda::Permission" and refers_to(resource, cut.keys())


def count_types(resources: Json) -> dict[str, int]:
    """How many resources there are of each type."""
    types = [resource["Type"] for resource in resources.values()]
    return {kind: types.count(kind) for kind in sorted(set(types))}


def of_type(resources: Json, kind: str) -> Iterator[tuple[str, Json]]:
    """Names and properties of the resources of one type."""
    for name, resource in resources.items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def read_event_source(name: str, properties: Json, outputs: Json) -> EventSource:
    """The event source mapping, which moto would serve by deleting messages unseen.

    An output lets CloudFormation resolve the queue's ARN.
    """
    output = f"{name}Source"
    outputs[output] = {"Value": properties["EventSourceArn"]}
    return EventSource(
        function=properties["FunctionName"]["Ref"],
        output=output,
        batch_size=int(properties.get("BatchSize", 10)),
        reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
    )


def read_subscription(
    name: str, properties: Json, outputs: Json, condition: str | None
) -> Subscription:
    """The subscription, its references left to CloudFormation as outputs.

    They have its condition: where that is false, there are no outputs, and no subscription.
    """
    only_if = {"Condition": condition} if condition else {}
    outputs[f"{name}Topic"] = {"Value": properties["TopicArn"], **only_if}
    outputs[f"{name}Endpoint"] = {"Value": properties["Endpoint"], **only_if}
    attributes = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in properties.items()
        if key in {"RawMessageDelivery", "FilterPolicy", "FilterPolicyScope"}
    }
    return Subscription(f"{name}Topic", f"{name}Endpoint", properties["Protocol"], attributes)


def notifies_eventbridge(resource: Json) -> bool:
    """Whether a bucket sends its events to EventBridge, which moto's CloudFormation ignores."""
    if resource["Type"] != "AWS::S3::Bucket":
        return False
    notification = resource.get("Properties", {}).get("NotificationConfiguration", {})
    return "EventBridgeConfiguration" in notification


def find_api(sam: Json) -> RestApi | None:
    """The REST API as Chalice packaged it, before SAM spreads it over several resources."""
    for _, properties in of_type(sam["Resources"], "AWS::Serverless::Api"):
        swagger = properties["DefinitionBody"]
        in_template = properties.get("BinaryMediaTypes", ())
        compression = properties.get("MinimumCompressionSize")
        return RestApi(
            swagger=swagger,
            stage=str(properties["StageName"]),
            function="APIHandler",  # Chalice's name for it, in every project
            binary_types=tuple(swagger.get("x-amazon-apigateway-binary-media-types", in_template)),
            minimum_compression=None if compression is None else int(compression),
            own_errors="GatewayResponses" in properties,
            keys=find_keys(sam["Resources"]),
        )
    return None


def find_keys(resources: Json) -> dict[str, str]:
    """The API keys that belong to a usage plan: ids, as `without` writes them, by their values.

    A value is made of the logical id, so that one can type it.
    """
    used = [p["KeyId"]["Ref"] for _, p in of_type(resources, "AWS::ApiGateway::UsagePlanKey")]
    return {f"recdrop-{name}": f"local-{name}" for name in used}


def inline_definition(properties: Json) -> None:
    """Write a state machine's definition as one `Fn::Join` of text and references.

    moto ignores `DefinitionSubstitutions` and `Definition`, and its `Fn::Sub` turns `$$.Execution`
    into `$.Execution`.
    """
    substitutions = dict(properties.pop("DefinitionSubstitutions", {}))
    definition = properties.pop("Definition", None)
    text = properties.get("DefinitionString", "")
    if definition is not None:
        text = json.dumps(definition)
    match text:
        case {"Fn::Join": [separator, list(lines)]}:
            text = separator.join(lines)
        case {"Fn::Sub": [str(template), dict(names)]}:
            text, substitutions = template, {**substitutions, **names}
        case {"Fn::Sub": str(template)}:
            text = template
    if not isinstance(text, str):
        raise TemplateError(
            f"DefinitionString has the value {text!r}. Expected text, Fn::Join of lines or Fn::Sub."
        )
    properties["DefinitionString"] = {
        "Fn::Join": ["", list(split_placeholders(text, substitutions))]
    }


def split_placeholders(text: str, substitutions: Json) -> Iterator[Any]:
    """The text in pieces, each `${Name}` replaced with its substitution.

    A name that none has is a reference to a resource.
    """
    for index, piece in enumerate(re.split(r"\$\{([A-Za-z0-9_:.]+)\}", text)):
        if index % 2 == 0:  # what lies between two placeholders
            yield piece
        elif piece in substitutions:
            yield substitutions[piece]
        else:
            resource, _, attribute = piece.partition(".")
            yield {"Fn::GetAtt": [resource, attribute]} if attribute else {"Ref": resource}


def without(cut: Json, value: Any) -> Any:
    """The value with every reference to a cut resource replaced with a local text."""
    match value:
        case {"Ref": str(name)} if name in cut:
            return f"local-{name}"
        case {"Fn::GetAtt": [str(name), *_]} if name in cut:
            return f"local-{name}"
        case {"Fn::Sub": str(text)}:
            return {
                "Fn::Sub": re.sub(
                    r"\$\{(\w+)(\.\w+)?\}", lambda m: f"local-{m[1]}" if m[1] in cut else m[0], text
                )
            }
        case dict():
            return {key: without(cut, inner) for key, inner in value.items()}
        case list():
            return [without(cut, inner) for inner in value]
    return value


def refers_to(value: Any, names: Any) -> bool:
    """Whether any intrinsic function inside `value` names one of the resources."""
    match value:
        case {"Ref": str(name)}:
            return name in names
        case {"Fn::GetAtt": [str(name), *_]}:
            return name in names
        case {"Fn::GetAtt": str(name)}:
            return name.partition(".")[0] in names
        case {"Fn::Sub": str(text)}:
            return any(name in names for name in re.findall(r"\$\{(\w+)", text))
        case dict():
            return any(refers_to(inner, names) for inner in value.values())
        case list():
            return any(refers_to(inner, names) for inner in value)
    return False
