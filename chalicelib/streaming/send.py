"""Members to Personalize: PutEvents, PutItems, PutUsers, PutActionInteractions, ten at a time.

When the service refuses a call all the same, the call is halved until the bad members stand alone,
so that the good ones are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import AwsError, Missing, Refused, Throttled
from chalicelib.personalize.arns import Arns
from chalicelib.serving.calls import Caller, Deadline
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import ApiError, NotReady, TooManyRequests, Unavailable
from chalicelib.serving.group import Group
from chalicelib.streaming.members import ActionEvent, Batch, Event, Row

if TYPE_CHECKING:
    from mypy_boto3_personalize_events import PersonalizeEventsClient

MEMBERS_PER_CALL = 10  # the service's limit, of all three operations

Members = Sequence[tuple[int, Any]]  # each with its index in the request
Send = Callable[[Sequence[Any]], None]


@dataclass
class Outcome:
    """What became of a batch: how many members were taken, and what the service refused.

    `rejected` holds (list, index, the service's message).
    """

    accepted: int = 0
    rejected: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """Some members of one list, and what sends them."""

    kind: str
    members: Members
    send: Send


@dataclass(frozen=True)
class Sender:
    """Sends batches. `client` gives the one client of Personalize's events; `now` epoch seconds.

    `forget` is called with (group, user) once an answer for the user may have changed.
    """

    catalogue: Catalogue
    client: Callable[[], PersonalizeEventsClient]
    caller: Caller
    forget: Callable[[tuple[str, str]], None]
    now: Callable[[], float]

    def send(self, group: str | None, batch: Batch, deadline: Deadline) -> Outcome:
        """What became of `batch`; nothing is looked up for an empty one.

        Raises:
            ApiError: the group cannot take it, or the service does not answer. What was taken until
                then is in the error's details: the rest can be sent again, and so can all.
        """
        outcome = Outcome()
        if not batch:
            return outcome
        found = self.catalogue.group(group)
        if batch.events and found.event_tracker_id is None:
            raise NotReady(f"Group {found.name!r} has no event tracker yet.")
        if batch.actions and found.action_tracker_id is None:
            raise NotReady(f"Group {found.name!r} has no dataset of action interactions yet.")
        try:
            for call in self._plan(found, batch, deadline):
                _deliver(call, outcome)
        except AwsError as error:
            raise _to_api_error(error, found, outcome.accepted) from error
        finally:
            # After a failure too: some of it may have arrived.
            for user in batch.user_ids:
                self.forget((found.name, user))
        return outcome

    def _plan(self, group: Group, batch: Batch, deadline: Deadline) -> Iterator[Call]:
        """The calls to make: items and users before the events that may speak of them."""

        def put_items(rows: Sequence[Row]) -> None:
            arguments = {
                "datasetArn": dataset_arn(group, "items"),
                "items": [row.to_wire("itemId") for row in rows],
            }
            self.caller.call(self.client().put_items, arguments, deadline)

        def put_users(rows: Sequence[Row]) -> None:
            arguments = {
                "datasetArn": dataset_arn(group, "users"),
                "users": [row.to_wire("userId") for row in rows],
            }
            self.caller.call(self.client().put_users, arguments, deadline)

        def put_events(events: Sequence[Event]) -> None:
            self._put_events(group, events, deadline)

        def put_actions(actions: Sequence[ActionEvent]) -> None:
            now = self.now()
            arguments = {
                "trackingId": group.action_tracker_id,
                "actionInteractions": [action.to_wire(now) for action in actions],
            }
            self.caller.call(self.client().put_action_interactions, arguments, deadline)

        for members in _chunks(list(enumerate(batch.items))):
            yield Call("items", members, put_items)
        for members in _chunks(list(enumerate(batch.users))):
            yield Call("users", members, put_users)
        for members in _split_by_session(batch.events):
            yield Call("events", members, put_events)
        for members in _chunks(list(enumerate(batch.actions))):
            yield Call("actionInteractions", members, put_actions)

    def _put_events(self, group: Group, events: Sequence[Event], deadline: Deadline) -> None:
        """Events of one user and session."""
        now = self.now()
        first = events[0]
        arguments: dict[str, Any] = {
            "trackingId": group.event_tracker_id,
            "sessionId": first.session_id,
            "eventList": [event.to_wire(now) for event in events],
        }
        if first.user_id is not None:
            arguments["userId"] = first.user_id
        self.caller.call(self.client().put_events, arguments, deadline)


def _to_api_error(error: AwsError, group: Group, accepted: int) -> ApiError:
    """`accepted` is how many members were taken before the failure."""
    if isinstance(error, Throttled):
        advice = "Send all again: event ids are counted once."
        return TooManyRequests(
            f"The service is overloaded ({error.code}). {advice}", retry_after=1, accepted=accepted
        )
    if isinstance(error, Missing):
        return NotReady(f"What group {group.name!r} needs for it is not there ({error.code}).")
    return Unavailable(
        f"The service does not answer ({error.code}).", retry_after=5, accepted=accepted
    )


def dataset_arn(group: Group, dataset: str) -> str:
    """The ARN of the group's `items` or `users`.

    It is in the account and region of the group's campaigns, so no variable has to tell them.

    Raises:
        NotReady: the group has no campaign yet.
    """
    records = group.solutions.values()
    campaign = next((found.asked for found in records if found.asked), None)
    if campaign is None:
        raise NotReady(f"Group {group.name!r} has no campaign yet.")
    _, partition, _, region, account, _ = campaign.split(":", 5)
    return Arns(partition, region, account).dataset(group.name, dataset)


def _deliver(call: Call, outcome: Outcome) -> None:
    """One call; a refused one is halved until the refused members stand alone."""
    members = call.members
    try:
        call.send([member for _, member in members])
    except Refused as refusal:
        if len(members) == 1:
            outcome.rejected.append((call.kind, members[0][0], refusal.message))
            return
        middle = len(members) // 2
        _deliver(Call(call.kind, members[:middle], call.send), outcome)
        _deliver(Call(call.kind, members[middle:], call.send), outcome)
    else:
        outcome.accepted += len(members)


def _split_by_session(events: Sequence[Event]) -> Iterator[Members]:
    """PutEvents takes events of one user and session; their order is kept."""
    sessions: dict[tuple[str | None, str], list[tuple[int, Event]]] = {}
    for index, event in enumerate(events):
        sessions.setdefault((event.user_id, event.session_id), []).append((index, event))
    for members in sessions.values():
        yield from _chunks(members)


def _chunks(members: Members) -> Iterator[Members]:
    starts = range(0, len(members), MEMBERS_PER_CALL)
    return (members[start : start + MEMBERS_PER_CALL] for start in starts)
