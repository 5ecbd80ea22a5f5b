"""What one group serves, and which of it answers a question."""

from __future__ import annotations

import msgspec

from chalicelib.documents import PopularRecord, ServingRecord
from chalicelib.serving.errors import BadRequest, NotFound, one_of


class Group(msgspec.Struct, frozen=True):
    """`solutions` by name; `popular` says where the group's popular list lies."""

    name: str
    solutions: dict[str, ServingRecord]
    popular: PopularRecord | None

    def __bool__(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self.solutions) or self.popular is not None

    @property
    def event_tracker_id(self) -> str | None:
        """The group's one tracker: each of its records repeats it."""
        found = (record.event_tracker_id for _, record in sorted(self.solutions.items()))
        return next((tracker for tracker in found if tracker), None)

    def find_solution(self, name: str | None, *recipe_types: str) -> ServingRecord | None:
        """The named solution, else the first that can answer, by type and then by name.

        None when the group has no solution of these types.

        Raises:
            NotFound: there is no solution `name`.
            BadRequest: it is of a type that cannot answer the question.
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
            known = one_of(self.solutions)
            raise NotFound(
                f"Group {self.name!r} has no solution {name!r}. Expected one of: {known}."
            )
        if record.recipe_type not in recipe_types:
            expected = one_of(recipe_types)
            raise BadRequest(
                f"Solution {name!r} is of type {record.recipe_type}. Expected one of: {expected}."
            )
        return record
