"""A campaign asked: the question as Personalize takes it, and its answer as ours.

Nothing here retries or falls back; what the call raises goes on to the Recommender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.documents import ServingRecord
from chalicelib.errors import Refused
from chalicelib.serving.answers import POPULAR_REASON, Answer, AnswerItem
from chalicelib.serving.calls import Caller, Deadline
from chalicelib.serving.errors import BadRequest
from chalicelib.serving.group import Group
from chalicelib.serving.question import Question
from chalicelib.vocabulary.use_cases import ANYBODY

if TYPE_CHECKING:
    from mypy_boto3_personalize_runtime import PersonalizeRuntimeClient

# Limits of the service: metadata comes with few items only, and of few columns.
MAX_RESULTS_WITH_METADATA = 50
MAX_METADATA_COLUMNS = 10

Columns = tuple[str, ...]
Notes = tuple[str, ...]


@dataclass(frozen=True)
class Campaigns:
    """`client` makes, or gives, the one client of Personalize's runtime."""

    client: Callable[[], PersonalizeRuntimeClient]
    caller: Caller

    def ask(
        self, question: Question, group: Group, record: ServingRecord, deadline: Deadline
    ) -> Answer:
        """The answer of the record's campaign, with no items when a filter left none.

        Raises:
            BadRequest: the service refuses the question.
            AwsError: the campaign does not answer, or is not there; never Refused.
        """
        columns, notes = _metadata_columns(question, record)
        try:
            response = self._call(question, group, record, columns, deadline)
        except Refused as refusal:
            # Metadata that nobody asked for is ours to repair: the campaign may have been made
            # without it. What the caller asked for is the caller's.
            if not columns or question.options.metadata is not None:
                raise _refused(refusal) from refusal
            notes = (f"Metadata is left out: {refusal.message}",)
            response = self._call_without_metadata(question, group, record, deadline)
        return _to_answer(response, question, group, record, notes)

    def _call_without_metadata(
        self, question: Question, group: Group, record: ServingRecord, deadline: Deadline
    ) -> Mapping[str, Any]:
        try:
            return self._call(question, group, record, (), deadline)
        except Refused as refusal:
            raise _refused(refusal) from refusal

    def _call(
        self,
        question: Question,
        group: Group,
        record: ServingRecord,
        columns: Columns,
        deadline: Deadline,
    ) -> Mapping[str, Any]:
        client = self.client()
        operation: Callable[..., Mapping[str, Any]] = client.get_recommendations
        if question.ranked:
            operation = client.get_personalized_ranking
        arguments = to_arguments(question, group, record, columns)
        response: Mapping[str, Any] = self.caller.call(operation, arguments, deadline)
        return response


def _refused(refusal: Refused) -> BadRequest:
    return BadRequest(f"The service refused the request: {refusal.message}")


def _metadata_columns(question: Question, record: ServingRecord) -> tuple[Columns, Notes]:
    """The columns to ask for, and a note when the caller could miss them."""
    if question.options.metadata is False:
        return (), ()
    if not record.metadata_columns:
        if question.options.metadata is None:
            return (), ()
        return (), ("Metadata is left out: the solution has no metadata columns.",)
    if question.size > MAX_RESULTS_WITH_METADATA:
        most = f"the service gives it for at most {MAX_RESULTS_WITH_METADATA} items"
        return (), (f"Metadata is left out: {most}, {question.size} were asked for.",)
    return record.metadata_columns[:MAX_METADATA_COLUMNS], ()


def to_arguments(
    question: Question, group: Group, record: ServingRecord, columns: Columns
) -> dict[str, Any]:
    """The arguments of GetRecommendations, or of GetPersonalizedRanking for a ranking."""
    options = question.options
    arguments: dict[str, Any] = {"campaignArn": record.campaign_arn}
    if record.recommender_arn is not None:
        arguments = {"recommenderArn": record.recommender_arn, "userId": ANYBODY}
    if question.user_id is not None:
        arguments["userId"] = question.user_id
    if question.item_id is not None:
        arguments["itemId"] = question.item_id
    if question.ranked:
        arguments["inputList"] = list(question.ranked)
    else:
        arguments["numResults"] = options.num_results
    if options.filter is not None:
        arguments["filterArn"] = group.filters[options.filter]
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
    notes: Notes,
) -> Answer:
    given = response.get("personalizedRanking" if question.ranked else "itemList") or ()
    items = tuple(_to_item(item) for item in given)
    is_unknown = _is_all_popular(items, question)
    return Answer(
        items=items,
        source="campaign",
        reason=POPULAR_REASON if is_unknown else None,
        notes=notes,
        user="unknown" if is_unknown and question.kind == "recommend" else None,
        item="unknown" if is_unknown and question.kind == "similar" else None,
        group=group.name,
        solution=record.solution,
        recipe=record.recipe,
        solution_version=record.solution_version_arn,
        recommendation_id=response.get("recommendationId"),
        run=record.run,
    )


def _is_all_popular(items: tuple[AnswerItem, ...], question: Question) -> bool:
    """Whether the service knows nothing of the user or item and says so by popular items only.

    A filtered list says nothing: the service fills it up with popular items for known users too.
    """
    if question.options.filter is not None or not items:
        return False
    return all(item.reason == POPULAR_REASON for item in items)


def _to_item(item: Mapping[str, Any]) -> AnswerItem:
    # `reason` is a list; with several the first decides what is shown (the service sends one).
    reasons = item.get("reason") or [None]
    return AnswerItem(
        item_id=str(item["itemId"]),
        score=item.get("score"),
        reason=reasons[0],
        metadata=item.get("metadata") or None,
    )
