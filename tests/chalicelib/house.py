"""The API as it stands in Lambda, over a Context of its own.

Chalice and the routes are real, DynamoDB and S3 are moto's, Personalize's two clients are fakes.
Real events go in at one end (`tests/events/`), what API Gateway would send to the client comes out
at the other.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus

import boto3
import msgspec
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from chalice import Chalice, Response
from moto import mock_aws

from chalicelib import documents
from chalicelib.api import http
from chalicelib.api.access import Key
from chalicelib.api.routes import Api
from chalicelib.context import Context
from chalicelib.documents import GroupRecord, PopularItem, PopularList, ServingRecord
from chalicelib.ledger import Ledger
from chalicelib.settings import Settings

EVENTS = Path(__file__).parents[1] / "events"
ARN = "arn:aws:personalize:us-east-1:000000000000"
READ_ROUTES = ("recommendations", "similar", "rank", "popular", "trending", "actions", "segments")
KEYS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}
ANY_TYPE = ["*/*"]
GOT: dict[str, Any] = {"content_types": ANY_TYPE}
POSTED: dict[str, Any] = {"methods": ["POST"], "content_types": ANY_TYPE}
READ_KEY, WRITE_KEY, SHOP_PAGE = "key-read", "key-write", "https://shop.example"
API_SETTINGS = Settings(
    {
        "READ_KEY_ID": READ_KEY,
        "WRITE_KEY_ID": WRITE_KEY,
        "CORS_ORIGINS": f"{SHOP_PAGE},https://www.shop.example",
    }
)
_numbers = itertools.count()


class Clock:
    """Seconds that pass only when told, or when someone sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def service_error(code: str, message: str = "", status: int = 400) -> ClientError:
    details = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(details, "GetRecommendations")  # type: ignore[arg-type]


THROTTLE = service_error("ThrottlingException", "Rate exceeded")
NOT_FOUND = service_error("ResourceNotFoundException", "Campaign not found", 404)
DENIAL = service_error(
    "AccessDeniedException", "User: arn:aws:sts::1:assumed-role/api is not authorized", 403
)
FAULT = service_error("InternalFailure", "", 500)
REFUSAL = service_error("InvalidInputException", "userId is not what was expected")
TIMEOUT = ReadTimeoutError(endpoint_url="http://campaign")


class FakeRuntime:
    """A campaign: items derived from the user or item asked for, unless `script` says otherwise.

    `script` holds, per call, an exception to raise, an answer to give, or None for the derived one;
    after its end the last entry stays.
    """

    def __init__(self, *script: Exception | Mapping[str, Any] | None) -> None:
        self.script = list(script)
        self.calls: list[dict[str, Any]] = []

    def get_recommendations(self, **arguments: Any) -> Mapping[str, Any]:
        of = arguments.get("userId", arguments.get("itemId", "all"))
        items = [f"{of}-{number}" for number in range(arguments["numResults"])]
        return self._play(arguments, "itemList", items)

    def get_personalized_ranking(self, **arguments: Any) -> Mapping[str, Any]:
        return self._play(arguments, "personalizedRanking", list(reversed(arguments["inputList"])))

    def _play(self, arguments: dict[str, Any], key: str, items: list[str]) -> Mapping[str, Any]:
        self.calls.append(arguments)
        step = self.script[min(len(self.calls), len(self.script)) - 1] if self.script else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            return step
        columns = arguments.get("metadataColumns", {}).get("ITEMS", ())
        metadata = (
            {"metadata": {column: f"{column} of it" for column in columns}} if columns else {}
        )
        found = [
            {"itemId": item, "score": 1 / (place + 1), **metadata}
            for place, item in enumerate(items)
        ]
        return {key: found, "recommendationId": f"RID-{len(self.calls)}"}


class FakeEvents:
    """An event tracker that keeps what it takes.

    `refuses` are event types, `script` one exception per call.
    """

    def __init__(self, *script: Exception | None, refuses: Iterable[str] = ()) -> None:
        self.script = list(script)
        self.refuses = set(refuses)
        self.calls: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []

    def put_items(self, **arguments: Any) -> Mapping[str, Any]:
        return self._put_rows(arguments, arguments["items"])

    def put_users(self, **arguments: Any) -> Mapping[str, Any]:
        return self._put_rows(arguments, arguments["users"])

    def _put_rows(self, arguments: dict[str, Any], rows: list[dict[str, Any]]) -> Mapping[str, Any]:
        self.calls.append(arguments)
        if any(self.refuses & set(row.values()) for row in rows):
            raise service_error("InvalidInputException", "Unknown property")
        self.taken.extend(rows)
        return {}

    def put_events(self, **arguments: Any) -> Mapping[str, Any]:
        self.calls.append(arguments)
        step = self.script.pop(0) if self.script else None
        if step is not None:
            raise step
        if any(event["eventType"] in self.refuses for event in arguments["eventList"]):
            raise service_error("InvalidInputException", "Unknown event type")
        self.taken.extend(arguments["eventList"])
        return {}


class CountingTable:
    """A table that counts its reads, and may be out of reach."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self.reads = 0
        self.fails = False

    def get_item(self, **arguments: Any) -> Any:
        return self._read(self.table.get_item, arguments)

    def query(self, **arguments: Any) -> Any:
        return self._read(self.table.query, arguments)

    def _read(self, read: Any, arguments: Any) -> Any:
        self.reads += 1
        if self.fails:
            raise EndpointConnectionError(endpoint_url="http://table")
        return read(**arguments)


class HouseClients:
    """A Clients of fakes, looked up at each use, so that a test may exchange them."""

    def __init__(self, house: House, table: Any) -> None:
        self._house = house
        self._table = table

    def table(self, _name: str) -> Any:
        return self._table

    @property
    def s3(self) -> Any:
        return self._house.s3

    @property
    def personalize_runtime(self) -> FakeRuntime:
        return self._house.runtime

    @property
    def personalize_events(self) -> FakeEvents:
        return self._house.tracker


@dataclass
class House:
    """Everything a test needs; `runtime` and `tracker` may be exchanged at any time."""

    table: Any
    s3: Any
    clock: Clock = field(default_factory=Clock)
    runtime: FakeRuntime = field(default_factory=FakeRuntime)
    tracker: FakeEvents = field(default_factory=FakeEvents)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.table, self.clock)
        self.api = Api.over(self.context())
        self.app = make_app(lambda: self.api)

    def context(self, table: Any = None) -> Context:
        """What the routes get to work with; `table` in place of the house's own."""
        clients: Any = HouseClients(self, table or self.table)
        return Context(
            settings=Settings({"TABLE_NAME": "ledger", "WORK_BUCKET": "work"}),
            clients=clients,
            now=self.clock,
            clock=self.clock,
            sleep=self.clock.sleep,
            random=lambda: 0.5,
        )

    def count_reads(self) -> CountingTable:
        """From now on the routes read a table that counts."""
        table = CountingTable(self.table)
        self.api = Api.over(self.context(table))
        return table

    def serve(
        self,
        group: str = "shop",
        solution: str = "for-you",
        filters: Mapping[str, str] | None = None,
        tracker: str | None = "tracker-1",
        **attributes: Any,
    ) -> None:
        """Write a serving record, as `Update campaign` does; its solution is the config's last."""
        usual = {
            "recipe": "aws-user-personalization-v2",
            "recipe_type": "USER_PERSONALIZATION",
            "campaign_arn": f"{ARN}:campaign/{group}-{solution}",
            "solution_version_arn": f"{ARN}:solution/{group}-{solution}/1",
            "run": "run1",
            "metadata_columns": ("NAME", "PRICE"),
        }
        record = ServingRecord(group=group, solution=solution, **{**usual, **attributes})
        self.ledger.record_serving(1, record)
        self.know_group(
            group,
            solution,
            filters=filters or {"not-purchased": f"{ARN}:filter/not-purchased"},
            event_tracker_id=tracker,
        )

    def serve_popular(self, *items: str, group: str = "shop", run: str = "run1") -> None:
        """Write a popular list: the first item has a count of 100, each further one less."""
        listed = tuple(
            PopularItem(item_id=item, count=100 - place, metadata={"NAME": item.upper()})
            for place, item in enumerate(items)
        )
        key = f"popular/{group}/{run}.json"
        body = documents.encode(PopularList(items=listed))
        self.s3.put_object(Bucket="work", Key=key, Body=body)
        self.ledger.record_popular(group, run, key)
        self.know_group(group)

    def know_group(self, group: str = "shop", *solutions: str, **changes: Any) -> None:
        """As if a run had prepared it, with these solutions behind those it had."""
        known = self.ledger.group(group) or GroupRecord(group=group, run="run1")
        named = tuple(dict.fromkeys((*known.solutions, *solutions)))
        self.ledger.record_group(1, msgspec.structs.replace(known, solutions=named, **changes))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answered:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answered:
        """`body` goes as JSON unless it is text already."""
        return self.send("POST", path, body if isinstance(body, str) else json.dumps(body), headers)

    def send(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        return self.deliver(proxy_event(method, path, body, headers))

    def deliver(self, event: Mapping[str, Any]) -> Answered:
        """What API Gateway gets for a proxy event."""
        return Answered.from_lambda(self.app(event, None))


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    text: str

    @classmethod
    def from_lambda(cls, result: Mapping[str, Any]) -> Answered:
        assert isinstance(result["statusCode"], int)
        assert isinstance(result["body"], str)
        return cls(result["statusCode"], result["headers"], result["body"])

    @property
    def json(self) -> Any:
        return json.loads(self.text, parse_constant=_refuse_constant)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def items(self) -> list[str]:
        return [item["itemId"] for item in self.json["items"]]


def _refuse_constant(name: str) -> Any:
    message = f"{name} is not JSON"
    raise ValueError(message)


def proxy_event(
    method: str,
    path: str,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A REST API's proxy event as API Gateway sends it.

    The query is decoded, path parameters are still percent-encoded.
    """
    path, _, query = path.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    parameters: dict[str, list[str]] = {}
    for name, _, value in pairs:
        parameters.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    resource, path_parameters = _route(path)
    sent = (
        {"Content-Type": "application/json", **(headers or {})}
        if body is not None
        else dict(headers or {})
    )
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": path_parameters,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/api{path}",
            "stage": "api",
            "requestId": "request-1",
            "identity": {"sourceIp": "127.0.0.1", "apiKeyId": key_of(resource)},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def key_of(resource: str) -> str | None:
    """The id of the key that a well-behaved caller of a route brings."""
    first = resource.split("/")[1]
    if first in ("events", "segment"):
        return WRITE_KEY
    return READ_KEY if first in READ_ROUTES else None


def _route(path: str) -> tuple[str, dict[str, str] | None]:
    names = {
        "recommendations": "user",
        "actions": "user",
        "similar": "item",
        "segments": "item",
        "snowflake": "function",
        "runs": "run",
    }
    first, _, rest = path.lstrip("/").partition("/")
    if not rest:
        return f"/{first}", None
    return f"/{first}/{{{names[first]}}}", {names[first]: rest}


def encode(text: str) -> str:
    """A path segment."""
    return quote(text, safe="")


def make_app(api: Callable[[], Api]) -> Chalice:
    """The routes of app.py, over another API (api/test_routes.py compares the two)."""
    app = Chalice("recdrop")
    read: Key = "read"
    write: Key = "write"

    def answer(route: Callable[[Api], http.Route], *path: str, key: Key | None = None) -> Response:
        return http.answer(
            app.current_request, route, *path, key=key, api=api, settings=API_SETTINGS
        )

    def preflight(**_path: str) -> Response:
        return http.preflight(app.current_request, API_SETTINGS)

    app.route("/recommendations/{user}", **GOT)(
        lambda user: answer(lambda api: api.recommendations, user, key=read)
    )
    app.route("/similar/{item}", **GOT)(
        lambda item: answer(lambda api: api.similar, item, key=read)
    )
    app.route("/popular", **GOT)(lambda: answer(lambda api: api.popular, key=read))
    app.route("/trending", **GOT)(lambda: answer(lambda api: api.trending, key=read))
    app.route("/actions/{user}", **GOT)(
        lambda user: answer(lambda api: api.actions, user, key=read)
    )
    app.route("/segments/{item}", **GOT)(
        lambda item: answer(lambda api: api.segments, item, key=read)
    )
    app.route("/runs/{run}", **GOT)(lambda run: answer(lambda api: api.run, run))
    app.route("/status", **GOT)(lambda: answer(lambda api: api.status))
    app.route("/health", **GOT)(lambda: answer(lambda api: api.health))
    app.route("/rank", **POSTED)(lambda: answer(lambda api: api.rank, key=read))
    app.route("/events", **POSTED)(lambda: answer(lambda api: api.events, key=write))
    app.route("/segment", **POSTED)(lambda: answer(lambda api: api.segment, key=write))
    app.route("/snowflake/{function}", methods=["POST", "GET"], content_types=ANY_TYPE)(
        lambda function: answer(lambda api: api.snowflake, function)
    )
    for path in (
        "/recommendations/{user}",
        "/similar/{item}",
        "/rank",
        "/popular",
        "/trending",
        "/actions/{user}",
        "/segments/{item}",
        "/events",
    ):
        app.route(path, methods=["OPTIONS"], content_types=ANY_TYPE)(preflight)
    return app


@dataclass(frozen=True)
class Street:
    """Moto with its two clients. It starts in half a second, a house in it in milliseconds."""

    dynamodb: Any
    s3: Any

    def open_house(self) -> House:
        """An empty table; the bucket is shared, its keys hold no state that a test could see."""
        table = self.dynamodb.create_table(
            TableName=f"ledger-{next(_numbers)}",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        return House(table, self.s3)


@contextmanager
def open_street() -> Iterator[Street]:
    """Moto. It keeps its state in the process, which other tests' servers share.

    So nothing is reset, and names are new.
    """
    mock = mock_aws()
    mock.start(reset=False)
    try:
        s3 = boto3.client("s3", **KEYS)  # type: ignore[call-overload]
        s3.create_bucket(Bucket="work")
        yield Street(boto3.resource("dynamodb", **KEYS), s3)  # type: ignore[call-overload]
    finally:
        mock.stop(remove_data=False)
