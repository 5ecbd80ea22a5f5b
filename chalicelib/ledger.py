"""The DynamoDB table: what has arrived, which runs there are, who holds a group, what each campaign
served. The one reader and writer of it; what its items hold is declared in chalicelib/documents.py.

    pk                sk                          what
    group#<group>     lease                       holder, fence (only ever grows), expires
    group#<group>     arrival#<key>               ArrivalRecord
    group#<group>     taken#<key>                 TakenRecord, for TAKEN_SECONDS
    group#<group>     run#<claimed>#<run>         the runs of a group, by time
    group#<group>     serving#<solution>          ServingRecord, read by the API
    group#<group>     history#<solution>#<run>#<what>   HistoryRecord
    group#<group>     evidence#<solution>#<live>  EvidenceRecord
    group#<group>     popular                     PopularRecord
    group#<group>     data                        DataRecord
    group#<group>     note                        NoteRecord
    run#<run>         run                         RunRecord
    run#<run>         version#<solution>          the solution version that the run trained
    run#<run>         previous#<solution>         the version that served before the run
    run#<run>         asked#<what>                what the run has asked Personalize for
    groups            <group>                     every name under which something was dropped
    catalogue         <group>                     GroupRecord: the groups that exist, read by the API

Every write that a second, late or dead writer could spoil carries a condition.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

import msgspec

from chalicelib import documents, names
from chalicelib.aws import call
from chalicelib.documents import (
    ArrivalRecord,
    DataRecord,
    Document,
    EvidenceRecord,
    GroupRecord,
    HistoryRecord,
    NoteRecord,
    PopularRecord,
    RunRecord,
    ServingRecord,
    TakenRecord,
)
from chalicelib.errors import Changed, DocumentUnreadable, LeaseHeld, LeaseLost

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# Longer than any time between two entries of a task, each of which renews it: the longest time-out of a
# state and all its retries (tests/architecture/test_state_machine.py adds them up).
LEASE_SECONDS = 1_800
# Longer than any queue keeps an event: 24 hours of EventBridge's retries, and 14 days of SQS.
TAKEN_SECONDS = 30 * 86_400
Item = dict[str, Any]
D = TypeVar("D", bound=Document)


class RunChanges(TypedDict, total=False):
    """What may change of a RunRecord after it was claimed."""

    status: str
    started: int
    ended: str
    execution: str
    reason: str
    results: dict[str, str]
    report: str
    ignored: dict[str, str]
    filters: dict[str, str]
    event_tracker_id: str
    accepted: bool
    destroyed: bool


@dataclass(frozen=True)
class Ledger:
    """`now` gives epoch seconds. `consistent`: whether reads see every write that was acknowledged.


    Raises:
        AwsError: of every method.
        DocumentUnreadable: of those that read.
    """

    table: Table
    now: Callable[[], float] = time.time
    consistent: bool = True

    # -- the lease of a group ----------------------------------------------------------------------

    def take_lease(self, group: str, run: str) -> int:
        """The fencing token. The holder may take it again and keeps its token.

        Raises:
            LeaseHeld: another run has it; the message names that run.
        """
        key = _lease(group)
        try:
            return self.renew_lease(group, run, None)
        except LeaseLost:
            pass
        now = int(self.now())
        try:
            answer = call(
                self.table.update_item,
                Key=key,
                UpdateExpression="SET holder = :run, expires = :expires ADD fence :one",
                ConditionExpression="attribute_not_exists(holder) OR expires < :now",
                ExpressionAttributeValues={
                    ":run": run,
                    ":expires": now + LEASE_SECONDS,
                    ":now": now,
                    ":one": 1,
                },
                ReturnValues="ALL_NEW",
            )
        except Changed as error:
            holder = (self._item(key["pk"], key["sk"]) or {}).get("holder")
            raise LeaseHeld(f"Group {group!r} is held by run {holder!r}.") from error
        return int(str(answer["Attributes"]["fence"]))

    def renew_lease(self, group: str, run: str, token: int | None) -> int:
        """The token of the lease, which expires later now.

        Raises:
            LeaseLost: `run` does not hold the group (with this token, when one is given). An expired
                lease that nobody has taken since is still its own.
        """
        condition = "holder = :run"
        values: dict[str, Any] = {":run": run, ":expires": int(self.now()) + LEASE_SECONDS}
        if token is not None:
            condition += " AND fence = :token"
            values[":token"] = token
        try:
            answer = call(
                self.table.update_item,
                Key=_lease(group),
                UpdateExpression="SET expires = :expires",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except Changed as error:
            raise LeaseLost(
                f"Run {run!r} does not hold group {group!r} with token {token!r}."
            ) from error
        return int(str(answer["Attributes"]["fence"]))

    def release_lease(self, group: str, run: str) -> None:
        """Nothing happens when another run holds it."""
        _took_place(
            lambda: self.table.update_item(
                Key=_lease(group),
                UpdateExpression="REMOVE holder, expires",
                ConditionExpression="holder = :run",
                ExpressionAttributeValues={":run": run},
            )
        )

    # -- arrivals ----------------------------------------------------------------------------------

    def record_arrival(
        self, group: str, key: str, *, etag: str, size: int, modified: float = 0.0
    ) -> None:
        now = round(self.now(), 3)
        record = ArrivalRecord(key=key, etag=etag, size=size, arrived=now, modified=modified)
        self._put(f"group#{group}", f"arrival#{key}", record)
        call(self.table.put_item, Item={"pk": "groups", "sk": group})

    def arrivals(self, group: str) -> list[ArrivalRecord]:
        """The objects that belong to no run yet."""
        return list(self._documents(f"group#{group}", "arrival#", ArrivalRecord))

    def clear_arrivals(self, group: str, arrivals: Iterable[ArrivalRecord]) -> None:
        """Forgets what a run has taken; what has arrived under the key since then stays."""
        for arrival in arrivals:
            _took_place(self._deleting(group, arrival))

    def record_taken(self, group: str, run: str, arrivals: Iterable[ArrivalRecord]) -> None:
        """Which objects a run has taken: their events may come again, or come only now."""
        self.take_over(
            group,
            run,
            [TakenRecord(key=a.key, etag=a.etag, arrived=a.arrived, run=run) for a in arrivals],
        )

    def take_over(self, group: str, run: str, taken: Iterable[TakenRecord]) -> None:
        """What another run had taken is of `run` from now on."""
        expires = int(self.now()) + TAKEN_SECONDS
        for found in taken:
            record = msgspec.structs.replace(found, run=run)
            key = {"pk": f"group#{group}", "sk": f"taken#{found.key}"}
            item = {**key, "expires_at": expires, **documents.to_item(record)}
            call(self.table.put_item, Item=item)

    def taken(self, group: str, key: str) -> TakenRecord | None:
        """Which run has taken the object that lay at `key`."""
        return self._document(f"group#{group}", f"taken#{key}", TakenRecord)

    def taken_below(self, group: str, folder: str) -> dict[str, TakenRecord]:
        """What runs have taken of a folder, by key."""
        found = self._documents(f"group#{group}", f"taken#{folder}", TakenRecord)
        return {record.key: record for record in found}

    def _deleting(self, group: str, arrival: ArrivalRecord) -> Callable[[], object]:
        arrived = documents.to_item(arrival)["arrived"]
        return lambda: self.table.delete_item(
            Key={"pk": f"group#{group}", "sk": f"arrival#{arrival.key}"},
            ConditionExpression="etag = :etag AND arrived = :arrived",
            ExpressionAttributeValues={":etag": arrival.etag, ":arrived": arrived},
        )

    def record_note(self, group: str, what: str, why: str) -> None:
        """Takes the place of the note before it: what held up the group then may be mended now."""
        note = NoteRecord(what=what, why=why, at=round(self.now(), 3))
        self._put(f"group#{group}", "note", note)

    def end_note(self, group: str, run: str, what: str, why: str) -> None:
        """Takes the place of the note that names `run`, as started or known; other ones stay."""
        note = documents.to_item(NoteRecord(what=what, why=why, at=round(self.now(), 3)))
        values = {f":{name}": note[name] for name in ("what", "why", "at")}
        _took_place(
            lambda: self.table.update_item(
                Key={"pk": f"group#{group}", "sk": "note"},
                UpdateExpression="SET what = :what, why = :why, #at = :at",
                ConditionExpression="why = :run",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={**values, ":run": run},
            )
        )

    def note(self, group: str) -> NoteRecord | None:
        return self._document(f"group#{group}", "note", NoteRecord)

    def groups(self) -> list[str]:
        """Every name under which something was dropped: a misspelt one, too."""
        return sorted(str(item["sk"]) for item in self._query("groups"))

    # -- runs --------------------------------------------------------------------------------------

    def claim_run(self, group: str, export: str) -> RunRecord:
        """The run of this export, made now unless there is one.

        After a failure, or when its group was destroyed, a new attempt.
        """
        record = self._new_run(group, export, 1)
        while not self._put_new(record):
            latest = self.run(record.run) or record
            if latest.status != "failed" and not latest.destroyed:
                # Whoever claimed it may have died before it was listed.
                self._list_run(latest)
                return latest
            record = self._new_run(group, export, latest.attempt + 1)
        self._list_run(record)
        return record

    def _list_run(self, record: RunRecord) -> None:
        listed = {"pk": f"group#{record.group}", "sk": f"run#{record.claimed}#{record.run}"}
        call(self.table.put_item, Item={**listed, "run": record.run})

    def _new_run(self, group: str, export: str, attempt: int) -> RunRecord:
        return RunRecord(
            run=names.attempt(export, attempt),
            export=export,
            group=group,
            attempt=attempt,
            status="claimed",
            claimed=self._time(),
        )

    def _put_new(self, record: RunRecord) -> bool:
        item = {"pk": f"run#{record.run}", "sk": "run", **documents.to_item(record)}
        return _took_place(
            lambda: self.table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
        )

    def run(self, run: str) -> RunRecord | None:
        return self._document(f"run#{run}", "run", RunRecord)

    def update_run(self, run: str, **changes: Unpack[RunChanges]) -> None:
        attributes = {f"#{i}": name for i, name in enumerate(changes)}
        values: dict[str, Any] = {f":{i}": value for i, value in enumerate(changes.values())}
        call(
            self.table.update_item,
            Key={"pk": f"run#{run}", "sk": "run"},
            UpdateExpression="SET " + ", ".join(f"#{i} = :{i}" for i in range(len(changes))),
            ExpressionAttributeNames=attributes,
            ExpressionAttributeValues=values,
        )

    def fail_run(self, run: str, seen: str, reason: str) -> bool:
        """Ends a run that cannot end itself; False when its status is no longer the one `seen`."""
        return _took_place(
            lambda: self.table.update_item(
                Key={"pk": f"run#{run}", "sk": "run"},
                UpdateExpression="SET #status = :failed, reason = :reason, ended = :ended",
                ConditionExpression="#status = :seen",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":failed": "failed",
                    ":seen": seen,
                    ":reason": reason,
                    ":ended": self._time(),
                },
            )
        )

    def runs(self, group: str) -> list[str]:
        """Run names, oldest first."""
        return [item["run"] for item in self._query(f"group#{group}", "run#")]

    def remember_version(self, run: str, solution: str, arn: str) -> None:
        self._put_arn(run, f"version#{solution}", arn)

    def version(self, run: str, solution: str) -> str | None:
        """The solution version that the run trained."""
        return self._arn(run, f"version#{solution}")

    def remember_previous(self, run: str, solution: str, arn: str) -> None:
        self._put_arn(run, f"previous#{solution}", arn)

    def previous(self, run: str, solution: str) -> str | None:
        """The version that served before the run changed the campaign."""
        return self._arn(run, f"previous#{solution}")

    def record_asked(self, run: str, what: str) -> None:
        """The run is about to ask Personalize for something, or has asked for it."""
        call(self.table.put_item, Item={"pk": f"run#{run}", "sk": f"asked#{what}"})

    def has_asked(self, run: str, what: str) -> bool:
        return self._item(f"run#{run}", f"asked#{what}") is not None

    def _put_arn(self, run: str, sk: str, arn: str) -> None:
        call(self.table.put_item, Item={"pk": f"run#{run}", "sk": sk, "arn": arn})

    def _arn(self, run: str, sk: str) -> str | None:
        item = self._item(f"run#{run}", sk)
        return str(item["arn"]) if item else None

    # -- what serves -------------------------------------------------------------------------------

    def serving(self, group: str, solution: str) -> ServingRecord | None:
        return self._document(f"group#{group}", f"serving#{solution}", ServingRecord)

    def served(
        self, group: str, on_unreadable: Callable[[DocumentUnreadable], None] | None = None
    ) -> list[ServingRecord]:
        """All that the group serves, by solution.

        With `on_unreadable`, a record that cannot be read is handed to it and left out.
        """
        return self._readable(
            self._query(f"group#{group}", "serving#"), ServingRecord, on_unreadable
        )

    def record_serving(self, token: int, record: ServingRecord) -> None:
        """Writes what a solution serves.

        Raises:
            LeaseLost: a later holder of the group has written. An older run never replaces a newer.
        """
        group, solution = record.group, record.solution
        self._put_fenced(token, f"group#{group}", f"serving#{solution}", record)

    def _put_fenced(self, token: int, pk: str, sk: str, record: Document) -> None:
        fenced = {"fence": token, "updated_at": self._time(), **documents.to_item(record)}
        try:
            call(
                self.table.put_item,
                Item={"pk": pk, "sk": sk, **fenced},
                ConditionExpression="attribute_not_exists(fence) OR fence <= :token",
                ExpressionAttributeValues={":token": token},
            )
        except Changed as error:
            raise LeaseLost(f"A later run than token {token} has written {pk} {sk}.") from error

    def forget_serving(self, group: str, solution: str) -> None:
        call(self.table.delete_item, Key={"pk": f"group#{group}", "sk": f"serving#{solution}"})

    # -- the groups that exist ---------------------------------------------------------------------

    def catalogue(
        self, on_unreadable: Callable[[DocumentUnreadable], None] | None = None
    ) -> list[GroupRecord]:
        """The groups that exist, by name; `on_unreadable` as in `served`."""
        return self._readable(self._query("catalogue"), GroupRecord, on_unreadable)

    def group(self, group: str) -> GroupRecord | None:
        return self._document("catalogue", group, GroupRecord)

    def found_group(self, group: str) -> None:
        """It exists from now on, for it has a config. What is known of it already stays."""
        item = {"pk": "catalogue", "sk": group, **documents.to_item(GroupRecord(group=group))}
        _took_place(
            lambda: self.table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
        )

    def record_group(self, token: int, record: GroupRecord) -> None:
        """Writes what the API may do with a group. Raises as `record_serving`."""
        self._put_fenced(token, "catalogue", record.group, record)

    def retire_others(self, group: str, run: str, solutions: Iterable[str]) -> None:
        """From now on only these solutions of the group answer, unless a later run has the word."""
        _took_place(
            lambda: self.table.update_item(
                Key={"pk": "catalogue", "sk": group},
                UpdateExpression="SET solutions = :solutions",
                ConditionExpression="run = :run",
                ExpressionAttributeValues={":solutions": list(solutions), ":run": run},
            )
        )

    def forget_group(self, group: str) -> None:
        """It exists no more: its next export is a first one, also one that has run before.

        What was done to it is still told.
        """
        for run in self.runs(group):
            self.update_run(run, destroyed=True)
        for prefix in ("serving#", "evidence#", "popular", "data", "taken#", "note"):
            for item in list(self._query(f"group#{group}", prefix)):
                call(self.table.delete_item, Key={"pk": item["pk"], "sk": item["sk"]})
        for kept in ("catalogue", "groups"):
            call(self.table.delete_item, Key={"pk": kept, "sk": group})

    # -- what was done, and what is known ----------------------------------------------------------

    def record_history(self, group: str, record: HistoryRecord) -> None:
        """Once per run and kind: a retry writes the same item."""
        sk = f"history#{record.solution}#{record.run}#{record.did}"
        written = msgspec.structs.replace(record, at=record.at or self._time())
        self._put(f"group#{group}", sk, written)

    def history(self, group: str) -> list[HistoryRecord]:
        """What was done to the group's solutions, oldest first."""
        found = self._documents(f"group#{group}", "history#", HistoryRecord)
        return sorted(found, key=lambda record: record.at)

    def record_evidence(self, group: str, record: EvidenceRecord) -> None:
        """Replaces what there is: a run that holds the group's lease is the only writer."""
        written = msgspec.structs.replace(record, at=self._time())
        self._put(f"group#{group}", f"evidence#{record.solution}#{record.live}", written)

    def evidence(self, group: str, solution: str, live: str) -> EvidenceRecord | None:
        """What the candidates of a solution have shown against this live version."""
        sk = f"evidence#{solution}#{live}"
        return self._document(f"group#{group}", sk, EvidenceRecord)

    def last_evidence(self, group: str, solution: str) -> EvidenceRecord | None:
        """The evidence that was written last, against whichever live version."""
        found = self._documents(f"group#{group}", f"evidence#{solution}#", EvidenceRecord)
        return max(found, key=lambda record: record.at, default=None)

    def record_popular(self, group: str, run: str, key: str) -> None:
        self._put(f"group#{group}", "popular", PopularRecord(run=run, key=key))

    def popular(self, group: str) -> PopularRecord | None:
        return self._document(f"group#{group}", "popular", PopularRecord)

    def record_data(self, group: str, record: DataRecord) -> None:
        self._put(f"group#{group}", "data", record)

    def data(self, group: str) -> DataRecord | None:
        return self._document(f"group#{group}", "data", DataRecord)

    # -- plumbing ----------------------------------------------------------------------------------

    def _put(self, pk: str, sk: str, record: Document) -> None:
        call(self.table.put_item, Item={"pk": pk, "sk": sk, **documents.to_item(record)})

    def _item(self, pk: str, sk: str) -> Item | None:
        answer = call(self.table.get_item, Key={"pk": pk, "sk": sk}, ConsistentRead=self.consistent)
        return answer.get("Item")

    def _document(self, pk: str, sk: str, kind: type[D]) -> D | None:
        item = self._item(pk, sk)
        return None if item is None else documents.from_item(item, kind)

    def _documents(self, pk: str, prefix: str, kind: type[D]) -> Iterator[D]:
        return (documents.from_item(item, kind) for item in self._query(pk, prefix))

    @staticmethod
    def _readable(
        items: Iterable[Mapping[str, Any]],
        kind: type[D],
        on_unreadable: Callable[[DocumentUnreadable], None] | None,
    ) -> list[D]:
        found = []
        for item in items:
            try:
                found.append(documents.from_item(item, kind))
            except DocumentUnreadable as error:
                if on_unreadable is None:
                    raise
                on_unreadable(error)
        return found

    def _query(self, pk: str, prefix: str = "") -> Iterator[Mapping[str, Any]]:
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": pk},
            "ConsistentRead": self.consistent,
        }
        if prefix:
            arguments["KeyConditionExpression"] += " AND begins_with(sk, :prefix)"
            arguments["ExpressionAttributeValues"][":prefix"] = prefix
        while True:
            page = call(self.table.query, **arguments)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _time(self) -> str:
        return iso_time(self.now())


def iso_time(seconds: float) -> str:
    """Epoch seconds as ISO 8601 UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _lease(group: str) -> dict[str, str]:
    return {"pk": f"group#{group}", "sk": "lease"}


def _took_place(write: Callable[[], object]) -> bool:
    """Whether the condition of a write held."""
    try:
        call(write)
    except Changed:
        return False
    return True
