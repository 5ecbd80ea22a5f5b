"""Asks a model the questions of held-out users and measures its answers.

Each recipe is asked as what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from recdrop.recommender.data.records import Array, Event, Query, TrainingData
from recdrop.recommender.data.split import Cases
from recdrop.recommender.metrics import PERSONALIZE_NAMES, Evaluation, evaluate_rankings
from recdrop.recommender.models.base import Model
from recdrop.recommender.parts.lifts import row_values

ANSWER = 25


def evaluate(model: Model, queries: Sequence[Query], truths: Sequence[Sequence[str]]) -> Evaluation:
    """Every metric, per user and as means.

    Related-items models are asked with `item_id`, or the newest event's item; the others with the
    query itself. There is no exploration: it pays later and cannot be credited here.
    """
    answers = [_answer(model, query) for query in queries]
    return evaluate_rankings(answers, truths, len(model.item_ids))


def _answer(model: Model, query: Query) -> list[str]:
    if model.kind == "related":
        item = query.item_id or (query.events[-1].item_id if query.events else "")
        return [scored.item_id for scored in model.similar(item, ANSWER)]
    return [scored.item_id for scored in model.recommend(query, ANSWER, exploration_weight=0.0)]


def measure_cases(model: Model, data: TrainingData, cases: Cases) -> Evaluation:
    """The model must not have seen the users of the cases: they are asked as strangers with events."""
    newest = 1 if model.kind == "related" else 0  # all that a related-items model looks at
    queries = [_query(data, cases, place, newest) for place in range(len(cases))]
    truths = [data.item_ids[truth].tolist() for truth in cases.truths()]
    return evaluate(model, queries, truths)


def published(found: Evaluation) -> dict[str, float]:
    """Personalize's eight names first, then the standard NDCG."""
    rest = [name for name in found.values if name not in PERSONALIZE_NAMES]
    return {name: round(found.values[name], 6) for name in (*PERSONALIZE_NAMES, *rest)}


def _query(data: TrainingData, cases: Cases, place: int, newest: int) -> Query:
    """With the `newest` events of the known history; 0 for all."""
    span = cases.known.of(place)
    rows: Array = cases.known.row[span][-newest:]
    row = int(cases.first_row[place])
    return Query(
        events=[_event(data, int(at)) for at in rows],
        context=row_values(data.context, row),
        user=row_values(data.users, int(data.user[row])),
    )


def _event(data: TrainingData, row: int) -> Event:
    kind = None if data.event_type is None else data.event_type.values[row]
    value = None if data.event_value is None else float(data.event_value[row])
    # NaN, which is unequal to itself, is how a column of numbers says that there is none.
    value = None if value is None or value != value else value
    return Event(str(data.item_ids[data.item[row]]), int(data.timestamp[row]), kind, value)
