"""Batch jobs: answers for all users or items, and segments, into results/, where Snowpipe picks them up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from chalicelib import layout, names
from chalicelib.config.sections import Batch, Solution
from chalicelib.context import Context
from chalicelib.documents import Segment, SegmentIndex, ServingRecord, SolutionEvent
from chalicelib.errors import ResourceFailed
from chalicelib.gate.questions import RANKED_AMONG
from chalicelib.pipeline.training import trained_version
from chalicelib.pipeline.truth import popular_items
from chalicelib.runs import Run
from chalicelib.vocabulary.recipes import RECIPES

Question = dict[str, Any]


class _Line(msgspec.Struct):
    """A line of the output, as far as it is looked at."""

    error: str | dict[str, Any] | None = None


def run_batch_inference(context: Context, event: SolutionEvent) -> None:
    """Answers into results/, in the form that the recipe wants; nothing if not asked for.

    Raises:
        ResourcePending: until the job is done.
        ResourceFailed: of the job, or a line of its output is an error.
    """
    run = Run.of(context, event)
    if run.recommender(event.solution):
        return  # none has batch jobs
    solution = run.solution(event.solution)
    kind = RECIPES[solution.recipe].type
    # What makes segments has no campaign: it is of no use without them.
    wanted = solution.batch or (Batch() if kind.bulk == "segment" else None)
    if wanted is None:
        return
    source = layout.batch_input(run.name, solution.name)
    if run.work.head(source) is None:
        lines = (json.dumps(question) + "\n" for question in _questions(run, solution, wanted))
        run.work.write(source, "".join(lines))
    makes_segments = kind.bulk == "segment"
    run.personalize.answer_in_bulk(
        names.batch_job(solution.name, run.name),
        trained_version(run, solution.name),
        run.work.url(source),
        run.work.url(layout.batch_output(run.group, solution.name, run.name)),
        num_results=wanted.num_results,
        filter_arn=run.record.filters.get(wanted.filter) if wanted.filter else None,
        segments=makes_segments,
    )
    _check_answers(run, solution)
    if makes_segments:
        _serve_segments(run, solution)


def _questions(run: Run, solution: Solution, wanted: Batch) -> Iterator[Question]:
    recipe = RECIPES[solution.recipe]
    match recipe.type.query:
        case "item":
            yield from ({"itemId": item} for item in _listed(run, run.data.items, layout.items))
        case "segment" if "attributes" in recipe.segments:
            yield from ({"itemAttributes": query} for query in wanted.attributes)
        case "segment":
            chosen = wanted.items or popular_items(run)[: recipe.segments["items"]]
            yield from ({"itemId": item} for item in chosen)
        case "ranking":
            among = popular_items(run)[:RANKED_AMONG]
            users = _listed(run, run.data.users, layout.users)
            yield from ({"userId": user, "itemList": among} for user in users)
        case _:
            users = _listed(run, run.data.users, layout.users)
            yield from ({"userId": user} for user in users)


def _listed(run: Run, key: str | None, own: Callable[[str], str]) -> list[str]:
    """Ids of an export. A run without interactions, such as a retraining, goes on with the last ones."""
    return msgspec.json.decode(run.work.read(key or own(run.name)), type=list[str])


def _check_answers(run: Run, solution: Solution) -> None:
    """A job is ACTIVE however many of its lines are errors."""
    answers = layout.batch_answers(run.group, solution.name, run.name)
    total, errors = 0, 0
    first = b""
    for line in run.work.lines(answers):
        total += 1
        if msgspec.json.decode(line, type=_Line).error:
            errors += 1
            first = first or line
    if errors:
        raise ResourceFailed(
            f"{errors} of {total} lines of the batch job of solution {solution.name!r} are errors. "
            f"First: {first[:300].decode(errors='replace')}. All of them: {run.work.url(answers)}"
        )


def _serve_segments(run: Run, solution: Solution) -> None:
    """Each segment as an object of its own, for the API; told when all of them lie there."""
    place_of = (run.group, solution.name, run.name)
    places: dict[str, int] = {}
    for line in run.work.lines(layout.batch_answers(*place_of)):
        question, users = _segment(json.loads(line))
        key = layout.segment(*place_of, places.setdefault(question, len(places)))
        run.work.write_json(key, Segment(users=tuple(users)))
    run.work.write_json(layout.segment_index(*place_of), SegmentIndex(places=places))
    record = ServingRecord(
        group=run.group,
        solution=solution.name,
        recipe=solution.recipe,
        recipe_type=RECIPES[solution.recipe].type.name,
        solution_version_arn=trained_version(run, solution.name),
        run=run.name,
    )
    run.ledger.record_serving(run.token or 0, record)


def _segment(line: dict[str, Any]) -> tuple[str, list[str]]:
    """The question and its users. Both spellings were seen: the guide has the one, outputs the other."""
    asked = {**line, **(line.get("input") or {})}
    output = line.get("output") or {}
    found = output.get("recommendedUsers", output.get("usersList", []))
    return str(asked.get("itemId") or asked.get("itemAttributes")), found
