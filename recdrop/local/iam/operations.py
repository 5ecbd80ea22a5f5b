"""What a request asks for: the actions, each on a resource, that AWS checks for it.

The operation comes from the wire: a header, a form, or method, path and query held against
botocore's model. What is checked follows the Service Authorization Reference, and where people saw
AWS refuse more than that says, the stricter of the two: Personalize is asked for every ARN that a
request makes or names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, unquote

from recdrop.local.iam.policy import Values

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from botocore.model import OperationModel

Parameters = Mapping[str, Any]
ANY = "*"
INVOCATION = re.compile(r"^/2015-03-31/functions/(.+)/invocations/?$")


@dataclass(frozen=True)
class Need:
    """One action on one resource that has to be allowed."""

    action: str
    resource: str
    context: Mapping[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where the ARNs of a request lie."""

    region: str
    account: str

    def arn(self, service: str, tail: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{tail}"


@dataclass(frozen=True)
class Call:
    """An operation of a service, and what it needs."""

    service: str
    operation: str
    needs: tuple[Need, ...]


def read_call(environ: WSGIEnvironment, service: str, place: Place) -> Call:
    """What a signed request asks for. Its body can still be read afterwards."""
    if service == "s3":
        operation, needs = s3_call(environ)
    elif found := INVOCATION.match(environ.get("PATH_INFO", "")):
        name = unquote(found[1]).split(":function:")[-1]
        arn = place.arn("lambda", f"function:{name}")
        operation, needs = "Invoke", [Need("lambda:InvokeFunction", arn)]
    else:
        operation, parameters = read_operation(environ)
        needs_of = NEEDS.get(service, other_needs(service))
        needs = list(needs_of(operation, parameters, place))
    return Call(service, operation, tuple(needs))


def read_operation(environ: WSGIEnvironment) -> tuple[str, Parameters]:
    """Operation and parameters of the JSON and query protocols."""
    body = read_body(environ)
    if target := environ.get("HTTP_X_AMZ_TARGET", ""):
        return str(target).rpartition(".")[2], read_json(body)
    form = {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
    if "Action" in form:
        return form["Action"], form
    path = environ.get("PATH_INFO", "")
    return rest_operations().get(path, path), read_json(body)


def read_json(body: bytes) -> Parameters:
    """The members of a request; none when it is no JSON object, which the service refuses."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def read_body(environ: WSGIEnvironment) -> bytes:
    """The body, put back for whoever answers."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body: bytes = stream.read()
    else:
        body = stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body


@cache
def rest_operations() -> Mapping[str, str]:
    """The operations of Personalize's serving and event planes by their path."""
    from recdrop.personalize.specification import PERSONALIZE

    return {path: operation.name for path, operation in PERSONALIZE.by_path.items()}


# ---------------------------------------------------------------------------------------------- S3

# Operations that have no action of their own name.
S3_ACTIONS: Mapping[str, str] = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "UploadPart": "PutObject",
}
COPIES = {"CopyObject", "UploadPartCopy"}
LISTED = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}


def s3_call(environ: WSGIEnvironment) -> tuple[str, list[Need]]:
    """Operation and needs of an S3 request, which says by method, path and query what it wants."""
    bucket, _, key = environ.get("PATH_INFO", "/").lstrip("/").partition("/")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    source = environ.get("HTTP_X_AMZ_COPY_SOURCE")
    method = environ["REQUEST_METHOD"]
    operation = find_s3_operation(method, bool(bucket), bool(key), query, source is not None)
    if not bucket:
        return operation, [Need(f"s3:{S3_ACTIONS.get(operation, operation)}", ANY)]
    target = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
    if operation in COPIES and source is not None:
        copied = f"arn:aws:s3:::{unquote(source).lstrip('/').partition('?')[0]}"
        return operation, [Need("s3:GetObject", copied), Need("s3:PutObject", target)]
    if operation == "DeleteObjects":
        keys = re.findall(rb"<Key>(.*?)</Key>", read_body(environ))
        return operation, [Need("s3:DeleteObject", f"{target}/{key.decode()}") for key in keys]
    action = f"s3:{S3_ACTIONS.get(operation, operation)}"
    if "versionId" in query and action in {"s3:GetObject", "s3:DeleteObject"}:
        action += "Version"
    return operation, [Need(action, target, s3_context(environ, query))]


def s3_context(environ: WSGIEnvironment, query: Mapping[str, str]) -> dict[str, Values]:
    """The condition keys that S3 takes from a request."""
    context: dict[str, Values] = {
        key: query[parameter] for parameter, key in LISTED.items() if parameter in query
    }
    if "HTTP_IF_NONE_MATCH" in environ:
        context["s3:if-none-match"] = environ["HTTP_IF_NONE_MATCH"]
    return context


def find_s3_operation(
    method: str, has_bucket: bool, has_key: bool, query: Mapping[str, str], copies: bool
) -> str:
    """The operation whose method and path fit, and most of whose fixed parameters are there."""
    fitting = [
        (len(fixed), (name in COPIES) == copies, name)
        for name, level, fixed in s3_operations().get(method, ())
        if level == (has_bucket, has_key)
        and all(query.get(key, None) is not None for key in fixed)
        and all(query[key] == value for key, value in fixed.items() if value)
    ]
    # By name last: of ListBuckets and ListDirectoryBuckets, which look alike, the first.
    return min(fitting, key=lambda found: (-found[0], not found[1], found[2]))[2] if fitting else ""


@cache
def s3_operations() -> Mapping[str, list[tuple[str, tuple[bool, bool], Mapping[str, str]]]]:
    """Per method: name, whether bucket and key are in the path, and the query that it must have."""
    from recdrop.service.wire.specification import service_model

    model = service_model("s3")
    found: dict[str, list[tuple[str, tuple[bool, bool], Mapping[str, str]]]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        path, _, query = operation.http["requestUri"].partition("?")
        fixed = dict(parse_qsl(query, keep_blank_values=True)) | required_query(operation)
        level = ("{Bucket}" in path, "{Key+}" in path)
        found.setdefault(operation.http["method"], []).append((name, level, fixed))
    return found


def required_query(operation: OperationModel) -> dict[str, str]:
    """The parameters of the query that an operation cannot do without."""
    shape = operation.input_shape
    if shape is None:
        return {}
    required = (shape.members[name].serialization for name in shape.required_members)
    return {part["name"]: "" for part in required if part.get("location") == "querystring"}


# ------------------------------------------------------------------------------------ Personalize

NAMED_WITHOUT_ARN = {"DatasetGroup": "dataset-group", "Schema": "schema"}
# A tracker's ARN ends in an id that is not known before it is made.
RANDOM = {"EventTracker"}
# Made below a resource that the request names.
BELOW_ANOTHER = {"SolutionVersion"}
FOR_ALL = {"TagResource", "UntagResource", "ListTagsForResource"}


def personalize_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on every ARN that the request makes or names; the role has to be passed."""
    action = f"personalize:{operation}"
    for role in sorted(set(members(given, "roleArn"))):
        yield Need("iam:PassRole", role, {"iam:PassedToService": "personalize.amazonaws.com"})
    if operation.startswith("List") or operation in FOR_ALL:
        yield Need(action, ANY)
        return
    arns = [*own_arn(operation, given, place), *named_arns(given)]
    yield from (Need(action, arn) for arn in dict.fromkeys(arns or [ANY]))
    if given.get("tags"):
        yield from (Need("personalize:TagResource", arn) for arn in arns[:1])


def own_arn(operation: str, given: Parameters, place: Place) -> Iterator[str]:
    """The ARN of what a Create makes: its type and its name."""
    noun = operation.removeprefix("Create")
    if noun == operation or noun in BELOW_ANOTHER:
        return
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", noun).lower()
    name = ANY if noun in RANDOM else str(given.get("name") or given.get("jobName") or ANY)
    if noun == "Dataset":
        group = str(given.get("datasetGroupArn", "")).rpartition("/")[2]
        name = f"{group}/{str(given.get('datasetType', '')).upper()}"
    yield place.arn("personalize", f"{kind}/{name}")


def named_arns(given: Any) -> Iterator[str]:
    """The ARNs of Personalize in a request, at whatever depth."""
    if isinstance(given, list):
        for member in given:
            yield from named_arns(member)
    if isinstance(given, dict):
        for value in given.values():
            yield from named_arns(value)
    if isinstance(given, str) and given.startswith("arn:aws:personalize:"):
        yield given


def members(given: Any, wanted: str) -> Iterator[str]:
    """The values of the members of a name, at whatever depth."""
    if isinstance(given, list):
        for member in given:
            yield from members(member, wanted)
    if isinstance(given, dict):
        for name, value in given.items():
            if name == wanted:
                yield str(value)
            else:
                yield from members(value, wanted)


# ------------------------------------------------------------------------------------ the others


def dynamodb_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on each table; a transaction needs the actions of its members."""
    if operation in {"BatchGetItem", "BatchWriteItem"}:
        tables = given.get("RequestItems", {})
        yield from (Need(f"dynamodb:{operation}", table_arn(name, place)) for name in tables)
    elif operation in {"TransactWriteItems", "TransactGetItems"}:
        for member in given.get("TransactItems", ()):
            for name, part in member.items():
                action = {"Put": "PutItem", "Get": "GetItem"}.get(name, f"{name}Item")
                action = "ConditionCheckItem" if name == "ConditionCheck" else action
                yield Need(f"dynamodb:{action}", table_arn(part["TableName"], place))
    elif "TableName" in given:
        arn = table_arn(given["TableName"], place)
        index = f"/index/{given['IndexName']}" if given.get("IndexName") else ""
        yield Need(f"dynamodb:{operation}", f"{arn}{index}")
    else:
        yield Need(f"dynamodb:{operation}", ANY)


def table_arn(name: str, place: Place) -> str:
    """The ARN of a table, which a request may give as a name or as the ARN."""
    return name if name.startswith("arn:") else place.arn("dynamodb", f"table/{name}")


def sqs_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on the queue; a batch needs the action of its members."""
    if operation == "ListQueues":
        yield Need("sqs:ListQueues", ANY)
        return
    name = str(given.get("QueueUrl") or given.get("QueueName") or "").rstrip("/").rpartition("/")[2]
    yield Need(f"sqs:{operation.removesuffix('Batch')}", place.arn("sqs", name))


def sns_needs(operation: str, given: Parameters, _place: Place) -> Iterator[Need]:
    """The action on the topic."""
    arns = (given.get(name) for name in ("TopicArn", "TargetArn", "ResourceArn"))
    resource = next((arn for arn in arns if arn), ANY)
    yield Need(f"sns:{operation.removesuffix('Batch')}", resource)


def states_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on the execution, where one is named, else on the machine."""
    resource = given.get("executionArn") or given.get("stateMachineArn")
    if operation == "CreateStateMachine":
        resource = place.arn("states", f"stateMachine:{given.get('name', '')}")
    yield Need(f"states:{operation}", resource or ANY)
    if role := given.get("roleArn"):
        yield Need("iam:PassRole", role, {"iam:PassedToService": "states.amazonaws.com"})


def events_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on the bus or on the rule."""
    if operation == "PutEvents":
        buses = {entry.get("EventBusName") or "default" for entry in given.get("Entries", ())}
        arns = [
            bus if bus.startswith("arn:") else place.arn("events", f"event-bus/{bus}")
            for bus in sorted(buses)
        ]
        yield from (Need("events:PutEvents", arn) for arn in arns)
        return
    rule = given.get("Rule") or given.get("Name")
    yield Need(f"events:{operation}", place.arn("events", f"rule/{rule}") if rule else ANY)


def logs_needs(operation: str, given: Parameters, place: Place) -> Iterator[Need]:
    """The action on the group, or on the stream where one is named."""
    group = given.get("logGroupName")
    if group is None:
        yield Need(f"logs:{operation}", ANY)
        return
    stream = given.get("logStreamName")
    tail = f"log-group:{group}" + (f":log-stream:{stream}" if stream else "")
    yield Need(f"logs:{operation}", place.arn("logs", tail))


def sts_needs(operation: str, given: Parameters, _place: Place) -> Iterator[Need]:
    """The action on the role; who one is, everybody may ask."""
    if operation != "GetCallerIdentity":
        yield Need(f"sts:{operation}", str(given.get("RoleArn") or ANY))


NeedsOf = Callable[[str, Parameters, Place], Iterator[Need]]
NEEDS: Mapping[str, NeedsOf] = {
    "dynamodb": dynamodb_needs,
    "events": events_needs,
    "logs": logs_needs,
    "personalize": personalize_needs,
    "sns": sns_needs,
    "sqs": sqs_needs,
    "states": states_needs,
    "sts": sts_needs,
}


def other_needs(service: str) -> NeedsOf:
    """A service that this stack's functions do not use: its action, on everything."""

    def needs(operation: str, _given: Parameters, _place: Place) -> Iterator[Need]:
        yield Need(f"{service}:{operation}", ANY)

    return needs
