"""The DynamoDB table: what has arrived, which runs there are, who holds a group, what each campaign
served.

    pk                sk                    what
    group#<group>     lease                 holder, token (only ever grows), expires
    group#<group>     arrival#<key>         an object of the drop: etag, size, arrived
    group#<group>     run#<started>#<run>   the runs of a group, by time
    group#<group>     serving#<solution>    what serves now, read by the API
    group#<group>     history#<solution>#<time>   every promotion, roll back and hold
    group#<group>     popular               where the popular items lie
    group#<group>     data                  the run whose import the datasets hold
    run#<run>         run                   status, attempt, times, decision
    run#<run>         version#<solution>    the solution version of the run
    groups            <group>               the groups there are

Every write that a second, late or dead writer could spoil carries a condition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chalicelib.errors import LeaseHeld, LeaseLost, code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

LEASE_SECONDS = 900  # three times the longest wait between two polls, each of which renews it
Item = dict[str, Any]


@dataclass(frozen=True)
class Ledger:
    """`now` gives epoch seconds."""

    table: Table
    now: Callable[[], float] = time.time

    # -- the lease of a group ----------------------------------------------------------------------

    def take_lease(self, group: str, run: str) -> int:
        """The fencing token.

        The holder may take it again and keeps its token. Raises LeaseHeld, naming the holder.
        """
        key = {"pk": f"group#{group}", "sk": "lease"}
        try:
            return self.renew_lease(group, run, None)
        except LeaseLost:
            pass
        try:
            answer = self.table.update_item(
                Key=key,
                UpdateExpression="SET holder = :run, expires = :expires ADD fence :one",
                ConditionExpression="attribute_not_exists(holder) OR expires < :now",
                ExpressionAttributeValues={
                    ":run": run,
                    ":expires": self._expiry(),
                    ":now": int(self.now()),
                    ":one": 1,
                },
                ReturnValues="ALL_NEW",
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            holder = self.table.get_item(Key=key, ConsistentRead=True).get("Item", {})
            raise LeaseHeld(f"Group {group!r} is held by run {holder.get('holder')!r}.") from error
        return int(str(answer["Attributes"]["fence"]))

    def renew_lease(self, group: str, run: str, token: int | None) -> int:
        """Raises LeaseLost unless `run` holds the group (with this token, when one is given) and is
        in time.
        """
        condition = "holder = :run AND expires >= :now" + (
            " AND fence = :token" if token is not None else ""
        )
        values: dict[str, Any] = {":run": run, ":expires": self._expiry(), ":now": int(self.now())}
        if token is not None:
            values[":token"] = token
        try:
            answer = self.table.update_item(
                Key={"pk": f"group#{group}", "sk": "lease"},
                UpdateExpression="SET expires = :expires",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise LeaseLost(
                f"Run {run!r} does not hold group {group!r} with token {token!r}."
            ) from error
        return int(str(answer["Attributes"]["fence"]))

    def release_lease(self, group: str, run: str) -> None:
        """Nothing happens when another run holds it."""
        self._if_unchanged(
            lambda: self.table.update_item(
                Key={"pk": f"group#{group}", "sk": "lease"},
                UpdateExpression="REMOVE holder, expires",
                ConditionExpression="holder = :run",
                ExpressionAttributeValues={":run": run},
            )
        )

    def _expiry(self) -> int:
        return int(self.now()) + LEASE_SECONDS

    # -- arrivals ----------------------------------------------------------------------------------

    def record_arrival(self, group: str, key: str, *, etag: str, size: int) -> None:
        item: Item = {
            "key": key,
            "etag": etag,
            "size": size,
            "arrived": Decimal(str(round(self.now(), 3))),
        }
        self.table.put_item(Item={"pk": f"group#{group}", "sk": f"arrival#{key}", **item})
        self.table.put_item(Item={"pk": "groups", "sk": group})

    def arrivals(self, group: str) -> list[Item]:
        """The objects that belong to no run yet: key, etag, size, arrived."""
        return list(self._query(f"group#{group}", "arrival#"))

    def clear_arrivals(self, group: str, arrivals: list[tuple[str, str]]) -> None:
        """Forgets (key, etag) pairs that a run has taken; a newer object under the key stays."""
        for key, etag in arrivals:
            self._if_unchanged(
                lambda key=key, etag=etag: self.table.delete_item(  # type: ignore[misc]
                    Key={"pk": f"group#{group}", "sk": f"arrival#{key}"},
                    ConditionExpression="etag = :etag",
                    ExpressionAttributeValues={":etag": etag},
                )
            )

    def groups(self) -> list[str]:
        return [item["sk"] for item in self._query("groups", "")]

    # -- runs --------------------------------------------------------------------------------------

    def claim_run(self, group: str, run_id: str) -> Item:
        """The record of the run of this export, made now unless there is one. After a failure, a
        new attempt of it.

        The name of an attempt after the first ends in its number, since the names of a failed one
        are spent.
        """
        first = self._new_run(group, run_id, run_id, 1)
        if self._put_new(first):
            return self._listed(first)
        latest = self.run(run_id) or first
        while latest["status"] == "failed":
            attempt = int(latest["attempt"]) + 1
            again = self._new_run(group, run_id, f"{run_id}-{attempt}", attempt)
            if self._put_new(again):
                return self._listed(again)
            latest = self.run(again["run"]) or again
        return latest

    def _new_run(self, group: str, run_id: str, run: str, attempt: int) -> Item:
        keys = {"pk": f"run#{run}", "sk": "run"}
        return {
            **keys,
            "run": run,
            "export": run_id,
            "group": group,
            "attempt": attempt,
            "status": "claimed",
            "claimed": self._time(),
        }

    def _listed(self, run: Item) -> Item:
        sk = f"run#{run['claimed']}#{run['run']}"
        self.table.put_item(Item={"pk": f"group#{run['group']}", "sk": sk, "run": run["run"]})
        return run

    def run(self, run: str) -> Item | None:
        return self.table.get_item(Key={"pk": f"run#{run}", "sk": "run"}, ConsistentRead=True).get(
            "Item"
        )

    def update_run(self, run: str, **attributes: object) -> None:
        self._set(f"run#{run}", "run", attributes)

    def runs(self, group: str) -> list[str]:
        """Run names, oldest first."""
        return [item["run"] for item in self._query(f"group#{group}", "run#")]

    def remember_version(self, run: str, solution: str, arn: str) -> None:
        self.table.put_item(Item={"pk": f"run#{run}", "sk": f"version#{solution}", "arn": arn})

    def version(self, run: str, solution: str) -> str | None:
        item = self.table.get_item(
            Key={"pk": f"run#{run}", "sk": f"version#{solution}"}, ConsistentRead=True
        ).get("Item")
        return str(item["arn"]) if item else None

    # -- what serves -------------------------------------------------------------------------------

    def serving(self, group: str, solution: str) -> Item | None:
        return self.table.get_item(
            Key={"pk": f"group#{group}", "sk": f"serving#{solution}"}, ConsistentRead=True
        ).get("Item")

    def record_serving(
        self, group: str, solution: str, token: int, record: Mapping[str, Any]
    ) -> None:
        """Raises LeaseLost when a later holder of the group has written: an older run never
        replaces a newer one.
        """
        item = {
            "pk": f"group#{group}",
            "sk": f"serving#{solution}",
            "fence": token,
            "updated_at": self._time(),
            **record,
        }
        try:
            self.table.put_item(
                Item=item,
                ConditionExpression="attribute_not_exists(fence) OR fence <= :token",
                ExpressionAttributeValues={":token": token},
            )
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            raise LeaseLost(
                f"A later run than token {token} has changed what {group}/{solution} serves."
            ) from error

    def forget_serving(self, group: str, solution: str) -> None:
        self.table.delete_item(Key={"pk": f"group#{group}", "sk": f"serving#{solution}"})

    def record_history(
        self, group: str, solution: str, run: str, record: Mapping[str, Any]
    ) -> None:
        """Once per run and outcome: a retry writes the same item."""
        sk = f"history#{solution}#{run}#{record['outcome']}"
        self.table.put_item(
            Item={"pk": f"group#{group}", "sk": sk, "at": self._time(), "run": run, **record}
        )

    def record_popular(self, group: str, run: str, key: str) -> None:
        self.table.put_item(Item={"pk": f"group#{group}", "sk": "popular", "run": run, "key": key})

    def popular(self, group: str) -> Item | None:
        return self.table.get_item(
            Key={"pk": f"group#{group}", "sk": "popular"}, ConsistentRead=True
        ).get("Item")

    def record_data(self, group: str, attributes: Mapping[str, Any]) -> None:
        """What the group's datasets hold since the last import: its run, and what it withheld (S3
        key).
        """
        self.table.put_item(Item={"pk": f"group#{group}", "sk": "data", **attributes})

    def data(self, group: str) -> Item | None:
        return self.table.get_item(
            Key={"pk": f"group#{group}", "sk": "data"}, ConsistentRead=True
        ).get("Item")

    # -- plumbing ----------------------------------------------------------------------------------

    def _query(self, pk: str, prefix: str) -> Iterator[Item]:
        condition = "pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else "")
        values = {":pk": pk, ":prefix": prefix} if prefix else {":pk": pk}
        arguments: dict[str, Any] = {
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        while True:
            page = self.table.query(**arguments, ConsistentRead=True)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _set(self, pk: str, sk: str, attributes: Mapping[str, object]) -> None:
        names = {f"#{i}": name for i, name in enumerate(attributes)}
        values: dict[str, Any] = {f":{i}": value for i, value in enumerate(attributes.values())}
        self.table.update_item(
            Key={"pk": pk, "sk": sk},
            UpdateExpression="SET " + ", ".join(f"#{i} = :{i}" for i in range(len(names))),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    def _put_new(self, item: Item) -> bool:
        return self._if_unchanged(
            lambda: self.table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
        )

    @staticmethod
    def _if_unchanged(write: Callable[[], object]) -> bool:
        """Whether a conditional write took place."""
        try:
            write()
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def _time(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now()))
