"""Which campaign serves which group: the serving records of the ledger's table, read through a
small cache.

    pk=groups          sk=<group>              the names of the groups
    pk=group#<group>   sk=serving#<solution>   one served solution
    pk=group#<group>   sk=popular              where the popular list lies

Reads are cached for `ttl` seconds, so that a promotion is seen soon and a request costs no read.
While the table does not answer, the last known records serve on: a campaign needs no table.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import msgspec

from chalicelib.serving.errors import BadRequest, NotFound, NotReady, Unavailable, one_of
from chalicelib.serving.runtime import service_errors
from chalicelib.telemetry import logger

USER_PERSONALIZATION = "USER_PERSONALIZATION"
RELATED_ITEMS = "RELATED_ITEMS"
PERSONALIZED_RANKING = "PERSONALIZED_RANKING"
POPULAR_ITEMS = "POPULAR_ITEMS"

KEPT_KEYS = 1_000

Read = TypeVar("Read")


class Table(Protocol):
    """What is used of boto3's DynamoDB Table."""

    def get_item(self, *, Key: dict[str, str]) -> Mapping[str, Any]: ...

    def query(self, **arguments: Any) -> Mapping[str, Any]: ...


class ServingRecord(msgspec.Struct, frozen=True):
    """One served solution, as the pipeline's `Update campaign` writes it."""

    group: str
    solution: str
    recipe: str
    recipe_type: str
    campaign_arn: str | None = None
    solution_version_arn: str | None = None
    run: str | None = None
    metadata_columns: tuple[str, ...] = ()
    filters: dict[str, str] = {}
    event_tracker_id: str | None = None


class PopularRecord(msgspec.Struct, frozen=True):
    key: str
    run: str | None = None


class Group(msgspec.Struct, frozen=True):
    name: str
    solutions: dict[str, ServingRecord]
    popular: PopularRecord | None

    def __bool__(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self.solutions) or self.popular is not None

    @property
    def event_tracker_id(self) -> str | None:
        found = (record.event_tracker_id for _, record in sorted(self.solutions.items()))
        return next((tracker for tracker in found if tracker), None)

    def dataset_arn(self, dataset: str) -> str:
        """Of the group's `items` or `users`: in the account and region of its campaigns.

        Raises NotReady.
        """
        campaigns = [
            record.campaign_arn for record in self.solutions.values() if record.campaign_arn
        ]
        if not campaigns:
            raise NotReady(f"Group {self.name!r} has no campaign yet.")
        prefix = campaigns[0].rpartition(":")[0]
        return f"{prefix}:dataset/{self.name}/{dataset.upper()}"

    def find_solution(self, name: str | None, *recipe_types: str) -> ServingRecord | None:
        """The named solution, else the first by type and name that can answer; None when the group
        has none.

        NotFound for an unknown name, BadRequest for a solution of a type that cannot answer the
        question.
        """
        if name is not None:
            return self._named(name, recipe_types)
        for recipe_type in recipe_types:
            for _, record in sorted(self.solutions.items()):
                if record.recipe_type == recipe_type:
                    return record
        return None

    def _named(self, name: str, recipe_types: tuple[str, ...]) -> ServingRecord:
        record = self.solutions.get(name)
        if record is None:
            raise NotFound(
                f"Group {self.name!r} has no solution {name!r}. Expected one of: {one_of(self.solutions)}.",
            )
        if record.recipe_type not in recipe_types:
            raise BadRequest(
                f"Solution {name!r} is of type {record.recipe_type}. Expected one of: {one_of(recipe_types)}.",
            )
        return record


class Catalogue:
    """The groups and what they serve.

    Safe for threads; one read per key and `ttl`, whatever asks.
    """

    def __init__(
        self, table: Callable[[], Table], clock: Callable[[], float], ttl: float = 10.0
    ) -> None:
        self._table = table
        self._clock = clock
        self._ttl = ttl
        self._loading = threading.Lock()
        self._seen: dict[str, tuple[float, object]] = {}

    def group(self, name: str | None) -> Group:
        """The named group, or the only one there is.

        BadRequest names the groups when there are several and none is given; NotFound when it is
        not one of them; NotReady before its first run has ended.
        """
        if name is None:
            name = self._only_group()
        found = self._read(f"group#{name}", lambda: self._load_group(name))
        if not found:
            if name in self.groups():
                raise NotReady(f"Group {name!r} serves nothing yet. Its first run has to finish.")
            raise NotFound(f"Unknown group {name!r}. Expected one of: {one_of(self.groups())}.")
        return found

    def groups(self) -> tuple[str, ...]:
        return self._read("groups", self._load_groups)

    def check(self) -> tuple[Group, ...]:
        """Every group, read now and past the cache: what /health reports. Raises Unavailable."""
        try:
            return tuple(self._load_group(name) for name in self._load_groups())
        except service_errors() as error:
            raise Unavailable("The table cannot be read.", retry_after=5) from error

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        """One item of the table as plain JSON values, not cached."""
        try:
            found = self._table().get_item(Key={"pk": pk, "sk": sk}).get("Item")
        except service_errors() as error:
            raise Unavailable("The table cannot be read.", retry_after=5) from error
        return None if found is None else plain(found)

    def _only_group(self) -> str:
        groups = self.groups()
        if len(groups) == 1:
            return groups[0]
        if not groups:
            raise NotFound("No group is served yet. Expected a finished run of at least one group.")
        raise BadRequest(
            f"group is missing and there are several. Expected one of: {one_of(groups)}."
        )

    def _read(self, key: str, load: Callable[[], Read]) -> Read:
        """`load`'s result, at most `ttl` old; older when the table does not answer."""
        found = self._fresh(key)
        if found is None:
            with self._loading:
                found = self._fresh(key) or self._load(key, load)
        return found[1]  # type: ignore[return-value]  # each key is loaded by one function

    def _fresh(self, key: str) -> tuple[float, object] | None:
        found = self._seen.get(key)
        return found if found is not None and self._clock() - found[0] < self._ttl else None

    def _load(self, key: str, load: Callable[[], object]) -> tuple[float, object]:
        seen = self._seen.get(key)
        try:
            value = load()
        except service_errors() as error:
            if seen is None:
                raise Unavailable(
                    "The table of serving records cannot be read.", retry_after=5
                ) from error
            value = seen[1]
        found = (self._clock(), value)
        if value:  # what is not there yet is looked for again: its first run may end at any moment
            if len(self._seen) >= KEPT_KEYS:
                self._seen.clear()
            self._seen[key] = found
        return found

    def _load_groups(self) -> tuple[str, ...]:
        return tuple(sorted(str(item["sk"]) for item in self._query("groups")))

    def _load_group(self, name: str) -> Group:
        pk = f"group#{name}"
        records = [_to_record(ServingRecord, name, item) for item in self._query(pk, "serving#")]
        popular = self._table().get_item(Key={"pk": pk, "sk": "popular"}).get("Item")
        return Group(
            name=name,
            solutions={record.solution: record for record in records if record is not None},
            popular=None if popular is None else _to_record(PopularRecord, name, popular),
        )

    def _query(self, pk: str, prefix: str = "") -> list[Mapping[str, Any]]:
        condition, values = "pk = :pk", {":pk": pk}
        if prefix:
            condition, values = f"{condition} AND begins_with(sk, :sk)", {":pk": pk, ":sk": prefix}
        arguments: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        found: list[Mapping[str, Any]] = []
        while True:
            page = self._table().query(**arguments)
            found.extend(page["Items"])
            if "LastEvaluatedKey" not in page:
                return found
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _to_record(kind: type[Read], group: str, item: Mapping[str, Any]) -> Read | None:
    """An item as a record; None, and a line in the log, for one that is not as the pipeline writes
    it.
    """
    keys = {"group": group, "solution": str(item["sk"]).removeprefix("serving#")}
    present = {name: value for name, value in plain(item).items() if value is not None}
    try:
        return msgspec.convert({**keys, **present}, kind)
    except msgspec.ValidationError as error:
        logger.error(
            "A serving record cannot be read",
            extra={"group": group, "sk": item["sk"], "reason": str(error)},
        )
        return None


def plain(value: Any) -> Any:
    """DynamoDB's Decimals and sets as JSON has them: numbers, and sorted lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
