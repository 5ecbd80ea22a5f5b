"""What one group serves, and which of it answers a question."""

from __future__ import annotations

import msgspec

from chalicelib.documents import GroupRecord, PopularRecord, ServingRecord
from chalicelib.serving.errors import BadRequest, NotFound, one_of
from chalicelib.vocabulary.use_cases import intent_of


class Group(msgspec.Struct, frozen=True):
    """`solutions` by name, in the config's order; `popular` says where the group's popular list lies.

    `defaults` names the first choice for an intent; `filters` are ARNs by name.
    """

    name: str
    solutions: dict[str, ServingRecord]
    popular: PopularRecord | None
    defaults: dict[str, str] = {}
    filters: dict[str, str] = {}
    event_tracker_id: str | None = None
    action_tracker_id: str | None = None

    @classmethod
    def of(
        cls, record: GroupRecord, served: list[ServingRecord], popular: PopularRecord | None
    ) -> Group:
        """The group as its record lets it answer: what has left the config is not among `solutions`."""
        known = {found.solution: found for found in served}
        return cls(
            record.group,
            {name: known[name] for name in record.solutions if name in known},
            popular,
            record.defaults,
            record.filters,
            record.event_tracker_id,
            record.action_tracker_id,
        )

    def __bool__(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self.solutions) or self.popular is not None

    def find_solution(self, name: str | None, *intents: str) -> ServingRecord | None:
        """The named solution, else the first that can answer, by intent.

        Of one intent the config's default comes first, the others follow in the config's order.
        None when the group has no solution for these.

        Raises:
            NotFound: there is no solution `name`.
            BadRequest: it is for something else.
        """
        if name is not None:
            return self._named(name, intents)
        for intent in intents:
            for found in self.all_for(intent):
                return found
        return None

    def all_for(self, intent: str) -> list[ServingRecord]:
        """All solutions for an intent, the best first."""
        fitting = [found for found in self.solutions.values() if _intent(found) == intent]
        default = self.defaults.get(intent)
        return sorted(fitting, key=lambda record: record.solution != default)

    def _named(self, name: str, intents: tuple[str, ...]) -> ServingRecord:
        record = self.solutions.get(name)
        if record is None:
            known = one_of(self.solutions)
            raise NotFound(
                f"Group {self.name!r} has no solution {name!r}. Expected one of: {known}."
            )
        if _intent(record) not in intents:
            expected = one_of(intents)
            raise BadRequest(
                f"Solution {name!r} is {_intent(record)}. Expected one of: {expected}."
            )
        return record


def _intent(record: ServingRecord) -> str:
    return intent_of(record.recipe, record.recipe_type)
