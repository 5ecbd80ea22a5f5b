"""The users who are likeliest to take an item: what the last batch job of segments found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from chalicelib import layout
from chalicelib.buckets import Bucket
from chalicelib.documents import Segment, SegmentIndex, ServingRecord
from chalicelib.serving.catalogue import Catalogue
from chalicelib.serving.errors import NotFound, NotReady
from chalicelib.serving.group import Group
from chalicelib.serving.options import Options


class SegmentAnswer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """`users` are the likeliest first; `run` says how old the segment is."""

    users: tuple[str, ...]
    group: str
    solution: str
    recipe: str
    solution_version: str | None = None
    run: str | None = None


@dataclass(frozen=True)
class Segments:
    """`bucket` gives the work bucket when it is first needed."""

    catalogue: Catalogue
    bucket: Callable[[], Bucket]

    def of(self, question: str, options: Options) -> SegmentAnswer:
        """The segment of an item, or of attributes as the config writes them.

        Raises:
            NotReady: the group has no segments yet.
            NotFound: none of them is of this item.
        """
        group = self.catalogue.group(options.group)
        records = self._records(group, options.solution)
        for record in records:
            place_of = (record.group, record.solution, record.run or "")
            index = self.bucket().read_document(layout.segment_index(*place_of), SegmentIndex)
            if question in index.places:
                key = layout.segment(*place_of, index.places[question])
                users = self.bucket().read_document(key, Segment).users
                return _answer(record, users[: options.num_results])
        searched = ", ".join(record.solution for record in records)
        raise NotFound(
            f"No segment is of {question[:100]!r}. Solutions searched: {searched}; `batch.items` or "
            "`batch.attributes` of the config says which there are."
        )

    def _records(self, group: Group, name: str | None) -> list[ServingRecord]:
        first = group.find_solution(name, "segment")
        if first is None:
            raise NotReady(f"Group {group.name!r} has no segments yet.")
        others = group.all_for("segment") if name is None else []
        return [first, *(record for record in others if record is not first)]


def _answer(record: ServingRecord, users: tuple[str, ...]) -> SegmentAnswer:
    return SegmentAnswer(
        users=users,
        group=record.group,
        solution=record.solution,
        recipe=record.recipe,
        solution_version=record.solution_version_arn,
        run=record.run,
    )
