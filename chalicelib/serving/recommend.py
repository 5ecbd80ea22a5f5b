"""Recommend, similar, rank, popular: each answered by a campaign, the cache, or the popular list,
and said to be so.

A campaign that is missing, throttled, failing, late or left with nothing by a filter gives the
popular list of the group (`source: "fallback"`). A request that the service refuses is the caller's
to repair (BadRequest). With no campaign and no list there is nothing to serve (NotReady,
Unavailable).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib.serving.answers import Answer, AnswerItem
from chalicelib.serving.cache import Cache
from chalicelib.serving.errors import (
    BadRequest,
    NotFound,
    NotReady,
    TooManyRequests,
    Unavailable,
    one_of,
)
from chalicelib.serving.options import Options
from chalicelib.serving.popular import PopularItem, PopularLists
from chalicelib.serving.records import (
    PERSONALIZED_RANKING,
    POPULAR_ITEMS,
    RELATED_ITEMS,
    USER_PERSONALIZATION,
    Catalogue,
    Group,
    ServingRecord,
)
from chalicelib.serving.runtime import (
    Broken,
    Caller,
    CallError,
    Deadline,
    Missing,
    Refused,
    RuntimeClient,
    Throttled,
)

MAX_RESULTS_WITH_METADATA = 50
MAX_METADATA_COLUMNS = 10
MAX_RANKED_ITEMS = 500
POPULAR_REASON = "Popular item"
# With several reasons on one item the first decides what is shown; the service's lists have one.
FIRST = 0


@dataclass(frozen=True)
class Question:
    """What is asked of one solution. Hashable: the key of caches and of de-duplication."""

    kind: str
    recipe_types: tuple[str, ...]
    options: Options
    user_id: str | None = None
    item_id: str | None = None
    ranked: tuple[str, ...] = ()

    @property
    def has_wishes(self) -> bool:
        """Whether the caller said anything that a campaign could rightly refuse."""
        return (
            self.kind != "popular" or self.options.filter is not None or bool(self.options.context)
        )

    @property
    def size(self) -> int:
        return len(self.ranked) if self.ranked else self.options.num_results


def for_user(user_id: str, options: Options) -> Question:
    return Question("recommend", (USER_PERSONALIZATION, POPULAR_ITEMS), options, user_id=user_id)


def for_item(item_id: str, options: Options, user_id: str | None = None) -> Question:
    return Question("similar", (RELATED_ITEMS,), options, item_id=item_id, user_id=user_id)


def for_ranking(user_id: str, items: Sequence[str], options: Options) -> Question:
    """Duplicates in `items` are ranked once, where they first stand."""
    ranked = tuple(dict.fromkeys(items))
    if not 1 <= len(items) <= MAX_RANKED_ITEMS:
        raise BadRequest(f"items has {len(items):,} entries. Expected 1 to {MAX_RANKED_ITEMS}.")
    return Question("rank", (PERSONALIZED_RANKING,), options, user_id=user_id, ranked=ranked)


def for_everyone(options: Options) -> Question:
    return Question("popular", (POPULAR_ITEMS,), options)


@dataclass(frozen=True)
class Recommender:
    """Answers questions. Stateless but for its caches; safe for threads when the client is."""

    catalogue: Catalogue
    popular: PopularLists
    runtime: Callable[[], RuntimeClient]
    caller: Caller
    cache: Cache[Answer]
    clock: Callable[[], float]

    def answer(self, question: Question, deadline: Deadline) -> Answer:
        """The campaign's answer, the cache's, or the fallback, whatever fails. Raises ApiError."""
        try:
            return self.consult(question, deadline)
        except (Throttled, Broken) as failure:
            group, record = self.resolve(question)
            return self.fall_back(question, group, record, _failure_reason(failure), failure)

    def consult(self, question: Question, deadline: Deadline) -> Answer:
        """As `answer`, but a campaign that may answer later raises: Throttled, Broken."""
        group, record = self.resolve(question)
        if record is None or record.campaign_arn is None:
            return self.fall_back(question, group, record, _missing_reason(question, group, record))
        owner, key = (group.name, question.user_id), (question, record.solution_version_arn)
        known = self.cache.get(owner, key)
        if known is not None:
            return msgspec.structs.replace(known, source="cache")
        asked_at = self.clock()
        try:
            answer = self.ask(question, group, record, deadline)
        except Missing as failure:
            return self.fall_back(question, group, record, _failure_reason(failure), failure)
        except BadRequest as refusal:
            if question.has_wishes:
                raise
            return self.fall_back(question, group, record, refusal.message)
        if not answer.items:
            return self.fall_back(question, group, record, _empty_reason(question))
        self.cache.put(owner, key, answer, asked_at)
        return answer

    def resolve(self, question: Question) -> tuple[Group, ServingRecord | None]:
        """The group and the solution that is to answer.

        Raises BadRequest and NotFound with the known names.
        """
        group = self.catalogue.group(question.options.group)
        record = group.find_solution(question.options.solution, *question.recipe_types)
        if question.options.filter is not None:
            _check_filter(question.options.filter, group, record)
        return group, record

    def ask(
        self, question: Question, group: Group, record: ServingRecord, deadline: Deadline
    ) -> Answer:
        """The campaign's own answer. Raises BadRequest for a refusal, else CallError."""
        columns, notes = _metadata_columns(question, record)
        try:
            response = self._call(question, record, columns, deadline)
        except Refused as refusal:
            if not columns or question.options.metadata is not None:
                raise _refused(refusal) from refusal
            notes = (f"Metadata is left out: {refusal.message}",)
            response = self._call_without_metadata(question, record, deadline)
        return _to_answer(response, question, group, record, notes)

    def _call_without_metadata(
        self, question: Question, record: ServingRecord, deadline: Deadline
    ) -> Mapping[str, Any]:
        """Nobody asked for metadata, so it may not be what a request fails on."""
        try:
            return self._call(question, record, (), deadline)
        except Refused as refusal:
            raise _refused(refusal) from refusal

    def _call(
        self,
        question: Question,
        record: ServingRecord,
        columns: tuple[str, ...],
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        client = self.runtime()
        operation = (
            client.get_personalized_ranking if question.ranked else client.get_recommendations
        )
        response: Mapping[str, Any] = self.caller.call(
            operation, _arguments(question, record, columns), deadline
        )
        return response

    def fall_back(
        self,
        question: Question,
        group: Group,
        record: ServingRecord | None,
        reason: str,
        failure: CallError | None = None,
    ) -> Answer:
        """The popular list in place of the campaign's answer; for a ranking, the given items by
        popularity.
        """
        popular = self.popular.of(group)
        if not popular and not question.ranked:
            raise _nothing_to_serve(group, reason, failure)
        items = (
            _rank_by_popularity(question, popular) if question.ranked else _take(popular, question)
        )
        return Answer(
            items=items,
            source="fallback",
            reason=reason,
            notes=_fallback_notes(question),
            group=group.name,
            solution=None if record is None else record.solution,
            recipe=None if record is None else record.recipe,
            run=None if group.popular is None else group.popular.run,
        )


def _refused(refusal: Refused) -> BadRequest:
    return BadRequest(f"The service refused the request: {refusal.message}")


def _check_filter(name: str, group: Group, record: ServingRecord | None) -> None:
    records = group.solutions.values() if record is None else [record]
    known = {known for found in records for known in found.filters}
    if name not in known:
        raise NotFound(
            f"Group {group.name!r} has no filter {name!r}. Expected one of: {one_of(known)}."
        )


def _metadata_columns(
    question: Question, record: ServingRecord
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns to ask for, and the notes on what is not: the service gives metadata up to 50
    items, 10 columns.
    """
    if question.options.metadata is False:
        return (), ()
    if not record.metadata_columns:
        asked = question.options.metadata is True
        return (), ("Metadata is left out: the solution has no metadata columns.",) if asked else ()
    if question.size > MAX_RESULTS_WITH_METADATA:
        most = f"the service gives it for at most {MAX_RESULTS_WITH_METADATA} items"
        return (), (f"Metadata is left out: {most}, {question.size} were asked for.",)
    return record.metadata_columns[:MAX_METADATA_COLUMNS], ()


def _arguments(
    question: Question, record: ServingRecord, columns: tuple[str, ...]
) -> dict[str, Any]:
    options = question.options
    arguments: dict[str, Any] = {"campaignArn": record.campaign_arn}
    if question.user_id is not None:
        arguments["userId"] = question.user_id
    if question.item_id is not None:
        arguments["itemId"] = question.item_id
    if question.ranked:
        arguments["inputList"] = list(question.ranked)
    else:
        arguments["numResults"] = options.num_results
    if options.filter is not None:
        arguments["filterArn"] = record.filters[options.filter]
    if options.filter_values:
        arguments["filterValues"] = dict(options.filter_values)
    if options.context:
        arguments["context"] = dict(options.context)
    if columns:
        arguments["metadataColumns"] = {"ITEMS": list(columns)}
    return arguments


def _to_answer(
    response: Mapping[str, Any],
    question: Question,
    group: Group,
    record: ServingRecord,
    notes: tuple[str, ...],
) -> Answer:
    given = response.get("personalizedRanking" if question.ranked else "itemList") or ()
    items = tuple(_to_item(item) for item in given)
    # Only without a filter: the service also fills up a filtered list with popular items, for users
    # it knows.
    unknown = (
        question.options.filter is None
        and bool(items)
        and all(i.reason == POPULAR_REASON for i in items)
    )
    return Answer(
        items=items,
        source="campaign",
        reason=POPULAR_REASON if unknown else None,
        notes=notes,
        user="unknown" if unknown and question.kind == "recommend" else None,
        item="unknown" if unknown and question.kind == "similar" else None,
        group=group.name,
        solution=record.solution,
        recipe=record.recipe,
        solution_version=record.solution_version_arn,
        recommendation_id=response.get("recommendationId"),
        run=record.run,
    )


def _to_item(item: Mapping[str, Any]) -> AnswerItem:
    reasons = item.get("reason") or [None]
    return AnswerItem(
        item_id=str(item["itemId"]),
        score=item.get("score"),
        reason=reasons[FIRST],
        metadata=item.get("metadata") or None,
    )


def _take(popular: Sequence[PopularItem], question: Question) -> tuple[AnswerItem, ...]:
    others = (item for item in popular if item.item_id != question.item_id)
    with_metadata = question.options.metadata is not False
    taken = itertools.islice(others, question.options.num_results)
    return tuple(_to_popular_item(item, with_metadata=with_metadata) for item in taken)


def _rank_by_popularity(
    question: Question, popular: Sequence[PopularItem]
) -> tuple[AnswerItem, ...]:
    """Known items by popularity, then the others in the order given."""
    with_metadata = question.options.metadata is not False
    wanted = set(question.ranked)
    known = [item for item in popular if item.item_id in wanted]
    others = wanted.difference(item.item_id for item in known)
    unknown = [AnswerItem(item_id=item_id) for item_id in question.ranked if item_id in others]
    return (*(_to_popular_item(item, with_metadata=with_metadata) for item in known), *unknown)


def _to_popular_item(item: PopularItem, *, with_metadata: bool) -> AnswerItem:
    metadata = (item.metadata or None) if with_metadata else None
    return AnswerItem(
        item_id=item.item_id, score=item.count, reason=POPULAR_REASON, metadata=metadata
    )


def _missing_reason(question: Question, group: Group, record: ServingRecord | None) -> str:
    if record is None:
        return (
            f"Group {group.name!r} serves no solution of type {' or '.join(question.recipe_types)}."
        )
    return f"Solution {record.solution!r} has no campaign yet."


def _failure_reason(failure: CallError) -> str:
    if isinstance(failure, Throttled):
        return f"The campaign is overloaded ({failure.code})."
    if isinstance(failure, Missing):
        return f"The campaign, or its filter, is not there ({failure.code})."
    return f"The campaign does not answer ({failure.code})."


def _empty_reason(question: Question) -> str:
    return (
        "The filter left no item."
        if question.options.filter is not None
        else "The campaign returned no item."
    )


def _fallback_notes(question: Question) -> tuple[str, ...]:
    options = question.options
    filtered = f"Filter {options.filter!r} is not applied: the popular list cannot be filtered."
    contextual = "context is not applied: the popular list has none."
    return (filtered,) * (options.filter is not None) + (contextual,) * bool(options.context)


def _nothing_to_serve(
    group: Group, reason: str, failure: CallError | None
) -> NotReady | Unavailable | TooManyRequests:
    message = f"{reason} Group {group.name!r} has no popular list to serve in its place."
    if isinstance(failure, Throttled):
        return TooManyRequests(message, retry_after=1)
    if isinstance(failure, Broken):
        return Unavailable(message, retry_after=5)
    return NotReady(message)
