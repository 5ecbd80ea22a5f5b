"""The answer in place of a campaign's: the popular list of the group, and why it is that."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from chalicelib.documents import PopularItem, ServingRecord
from chalicelib.errors import AwsError, Missing, Throttled
from chalicelib.serving.answers import POPULAR_REASON, Answer, AnswerItem
from chalicelib.serving.errors import ApiError, NotReady, TooManyRequests, Unavailable
from chalicelib.serving.group import Group
from chalicelib.serving.question import Question


def fall_back(
    question: Question,
    group: Group,
    record: ServingRecord | None,
    popular: Sequence[PopularItem],
    reason: str,
    failure: AwsError | None = None,
) -> Answer:
    """The popular items; for a ranking, the given items by popularity.

    Raises:
        ApiError: there is no popular list either. Its class follows `failure`, so that the caller
            knows whether to wait.
    """
    if not popular and not question.ranked:
        raise _nothing_to_serve(group, reason, failure)
    items = _rank(question, popular) if question.ranked else _take(question, popular)
    return Answer(
        items=items,
        source="fallback",
        reason=reason,
        notes=_notes(question),
        group=group.name,
        solution=None if record is None else record.solution,
        recipe=None if record is None else record.recipe,
        run=None if group.popular is None else group.popular.run,
    )


# -- reasons ---------------------------------------------------------------------------------------


def missing_reason(question: Question, group: Group, record: ServingRecord | None) -> str:
    """Why there is no campaign to ask."""
    if record is None:
        wanted = " or ".join(question.intents)
        return f"Group {group.name!r} serves no solution that is {wanted}."
    return f"Solution {record.solution!r} has no campaign yet."


def failure_reason(failure: AwsError) -> str:
    """Why the campaign did not answer."""
    if isinstance(failure, Throttled):
        return f"The campaign is overloaded ({failure.code})."
    if isinstance(failure, Missing):
        return f"The campaign, or its filter, is not there ({failure.code})."
    return f"The campaign does not answer ({failure.code})."


def empty_reason(question: Question) -> str:
    """Why the campaign's answer has no items."""
    if question.options.filter is not None:
        return "The filter left no item."
    return "The campaign returned no item."


# -- items -----------------------------------------------------------------------------------------


def _take(question: Question, popular: Sequence[PopularItem]) -> tuple[AnswerItem, ...]:
    """The most popular ones; never the item whose like was asked for."""
    others = (item for item in popular if item.item_id != question.item_id)
    taken = itertools.islice(others, question.options.num_results)
    return tuple(_to_item(item, question) for item in taken)


def _rank(question: Question, popular: Sequence[PopularItem]) -> tuple[AnswerItem, ...]:
    """Known items by popularity, then the others in the order given."""
    wanted = set(question.ranked)
    known = [item for item in popular if item.item_id in wanted]
    others = wanted.difference(item.item_id for item in known)
    unknown = [AnswerItem(item_id=item_id) for item_id in question.ranked if item_id in others]
    return (*(_to_item(item, question) for item in known), *unknown)


def _to_item(item: PopularItem, question: Question) -> AnswerItem:
    wants_metadata = question.options.metadata is not False
    return AnswerItem(
        item_id=item.item_id,
        score=item.count,
        reason=POPULAR_REASON,
        metadata=(item.metadata or None) if wants_metadata else None,
    )


def _notes(question: Question) -> tuple[str, ...]:
    """What was asked for and cannot be done: better said than silently left out."""
    options = question.options
    notes = []
    if options.filter is not None:
        notes.append(
            f"Filter {options.filter!r} is not applied: the popular list cannot be filtered."
        )
    if options.context:
        notes.append("context is not applied: the popular list has none.")
    return tuple(notes)


def _nothing_to_serve(group: Group, reason: str, failure: AwsError | None) -> ApiError:
    message = f"{reason} Group {group.name!r} has no popular list to serve in its place."
    if failure is None or isinstance(failure, Missing):
        return NotReady(message)
    if isinstance(failure, Throttled):
        return TooManyRequests(message, retry_after=1)
    return Unavailable(message, retry_after=5)
