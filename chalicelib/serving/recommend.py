"""Campaign, cache or fallback: the decision of every answer, which says who gave it.

The popular list of the group (`source: "fallback"`) stands in for a campaign that is missing,
throttled, failing, late, or left with nothing by a filter. A request that the service refuses is
the caller's to repair (BadRequest). With neither campaign nor list there is nothing to serve
(NotReady, TooManyRequests, Unavailable).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from chalicelib.documents import ServingRecord
from chalicelib.errors import AwsError, Missing
from chalicelib.serving.answers import Answer
from chalicelib.serving.cache import Cache
from chalicelib.serving.calls import Deadline
from chalicelib.serving.campaign import Campaigns
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import BadRequest, NotFound, one_of
from chalicelib.serving.fallback import empty_reason, failure_reason, fall_back, missing_reason
from chalicelib.serving.group import Group
from chalicelib.serving.popular import PopularLists
from chalicelib.serving.question import Question


@dataclass(frozen=True)
class Recommender:
    """Answers questions. Stateless but for its caches; safe for threads when the client is."""

    catalogue: Catalogue
    campaigns: Campaigns
    popular: PopularLists
    cache: Cache[Answer]
    clock: Callable[[], float]

    def answer(self, question: Question, deadline: Deadline) -> Answer:
        """An answer for a person, who had rather have popular items now than wait.

        Raises:
            ApiError: the question is wrong, or there is nothing to serve.
        """
        try:
            return self.consult(question, deadline)
        except AwsError as failure:
            group, record = self.resolve(question)
            return self._fall_back(question, group, record, failure_reason(failure), failure)

    def consult(self, question: Question, deadline: Deadline) -> Answer:
        """An answer for a batch, which can come again: what may pass is raised, not papered over.

        Raises:
            ApiError: as `answer`.
            AwsError: the campaign does not answer now, but may later.
        """
        group, record = self.resolve(question)
        if record is None or record.asked is None:
            reason = missing_reason(question, group, record)
            return self._fall_back(question, group, record, reason)
        owner, key = (
            (group.name, question.user_id),
            (question, record.solution_version_arn or record.asked),
        )
        known = self.cache.get(owner, key)
        if known is not None:
            return msgspec.structs.replace(known, source="cache")
        # Before the call: an event that comes in during it outdates its answer.
        asked_at = self.clock()
        answer = self._ask(question, group, record, deadline)
        # A fallback is never kept: the campaign may be back at the next request.
        if answer.source == "campaign":
            self.cache.put(owner, key, answer, asked_at)
        return answer

    def resolve(self, question: Question) -> tuple[Group, ServingRecord | None]:
        """The group and the solution that is to answer, None when it has none for the question.

        Raises:
            BadRequest, NotFound: a name is missing or unknown; the message lists the known ones.
        """
        group = self.catalogue.group(question.options.group)
        record = group.find_solution(question.options.solution, *question.intents)
        if question.options.filter is not None:
            _check_filter(question.options.filter, group)
        return group, record

    def _ask(
        self, question: Question, group: Group, record: ServingRecord, deadline: Deadline
    ) -> Answer:
        """The campaign's answer; the fallback when waiting would not bring a better one."""
        try:
            answer = self.campaigns.ask(question, group, record, deadline)
        except Missing as failure:
            return self._fall_back(question, group, record, failure_reason(failure), failure)
        except BadRequest as refusal:
            # Nobody asked for anything that could be refused: the campaign itself is at fault.
            if question.has_wishes:
                raise
            return self._fall_back(question, group, record, refusal.message)
        if answer.items:
            return answer
        return self._fall_back(question, group, record, empty_reason(question))

    def _fall_back(
        self,
        question: Question,
        group: Group,
        record: ServingRecord | None,
        reason: str,
        failure: AwsError | None = None,
    ) -> Answer:
        return fall_back(question, group, record, self.popular.of(group), reason, failure)


def _check_filter(name: str, group: Group) -> None:
    if name not in group.filters:
        known = one_of(group.filters)
        raise NotFound(f"Group {group.name!r} has no filter {name!r}. Expected one of: {known}.")
