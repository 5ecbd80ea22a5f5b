"""What the tasks of a solution are for a recommender, which has neither versions nor a campaign.

It serves as soon as it is made, and trains again when the service wants to. So the gate asks it itself,
through the runtime, about the withheld users; it decides whether the API may answer from it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from chalicelib import names
from chalicelib.config.sections import Recommender
from chalicelib.documents import Decision, HistoryRecord, Score, ServingRecord
from chalicelib.errors import VerificationFailed
from chalicelib.gate import promotion
from chalicelib.gate.promotion import Answers, Bars
from chalicelib.gate.questions import Questions
from chalicelib.personalize.campaigns import ANSWERED
from chalicelib.pipeline import deciding
from chalicelib.pipeline.truth import ask_withheld, popular_items
from chalicelib.runs import Run
from chalicelib.vocabulary.metrics import DEEP
from chalicelib.vocabulary.use_cases import ANYBODY, USE_CASES

ASKED = 300  # questions at most: each is a call, and the task has two minutes


def train(run: Run, wanted: Recommender) -> None:
    """It is as the config says. It trains when it is made, and by itself every week."""
    metadata = bool(columns_of(run, wanted))
    run.personalize.ensure_recommender(run.group, wanted, metadata=metadata)


def _arn(run: Run, wanted: Recommender) -> str:
    return run.personalize.arns.recommender(names.recommender(run.group, wanted.name))


def score(run: Run, wanted: Recommender) -> Score:
    """Whether the API may answer from it; a stopped one answers nobody."""
    arn, use_case = _arn(run, wanted), USE_CASES[wanted.use_case]
    verdict = promotion.Verdict("hold", "not enough evidence", ("Stopped, as the config says.",))
    if not wanted.stopped:
        asked = _some(ask_withheld(run, use_case.type), run.name)
        lists = {
            index: run.personalize.ask_recommender(arn, line, (), DEEP)
            for index, line in enumerate(asked.lines)
        }
        verdict = promotion.decide(
            asked.truth,
            _of_users(lists, asked),
            asked.popular,
            None,
            bars_of(wanted),
            run=run.name,
            population=run.data.population,
        )
    decision = Decision(
        solution=wanted.name,
        recipe=wanted.use_case,
        metric=wanted.gate.metric,
        action=verdict.action,
        evidence=verdict.evidence,
        reasons=verdict.reasons,
        users=verdict.users,
        candidate=arn,
        metrics=verdict.metrics,
        own_metrics=run.personalize.own_recommender_metrics(arn),
    )
    return deciding.record(run, decision)


def bars_of(wanted: Recommender) -> Bars:
    """No floor unless the config sets one.

    A use case may hide what a user has, and popularity, which does not, is no fair bar for it.
    """
    gate = wanted.gate
    floor = gate.over_popularity or 0.0
    return Bars(gate.metric, floor, gate.max_regression, gate.when_unsure)


def _some(asked: Questions, seed: str, most: int = ASKED) -> Questions:
    """At most `most` of the questions, drawn anew by each run."""
    if len(asked.lines) <= most:
        return asked
    drawn = sorted(random.Random(seed).sample(range(len(asked.lines)), most))  # noqa: S311  # nosec B311
    place = {index: new for new, index in enumerate(drawn)}
    users = {user: place[index] for user, index in asked.of_user.items() if index in place}
    return Questions(
        tuple(asked.lines[index] for index in drawn),
        users,
        {user: asked.truth[user] for user in users},
        {user: asked.popular[user] for user in users},
        asked.commonplace,
    )


def _of_users(lists: Mapping[int, Sequence[str]], asked: Questions) -> Answers:
    return {
        user: [item for item in lists[index] if item not in asked.commonplace]
        for user, index in asked.of_user.items()
    }


def serve(run: Run, wanted: Recommender) -> None:
    """The API is told to answer from it."""
    arn, use_case = _arn(run, wanted), USE_CASES[wanted.use_case]
    record = ServingRecord(
        group=run.group,
        solution=wanted.name,
        recipe=use_case.name,
        recipe_type=use_case.type.name,
        recommender_arn=arn,
        run=run.name,
        metadata_columns=columns_of(run, wanted),
    )
    run.ledger.record_serving(run.token or 0, record)
    run.ledger.record_popular(run.group, run.name, run.data.popular)


def verify(run: Run, wanted: Recommender) -> None:
    """A stranger, or the most popular item, must get something.

    Raises:
        VerificationFailed: nothing came back.
    """
    query: dict[str, str] = {}
    if USE_CASES[wanted.use_case].type.query == "item":
        query["itemId"] = (popular_items(run) or [ANYBODY])[0]
    columns = columns_of(run, wanted)
    found = run.personalize.ask_recommender(_arn(run, wanted), query, columns, ANSWERED)
    if not found:
        raise VerificationFailed(
            f"Recommender {wanted.name!r} has no answer for {query!r}. Expected items."
        )


def withdraw(run: Run, wanted: Recommender) -> None:
    """There is no version before to go back to: the API answers from something else."""
    run.ledger.forget_serving(run.group, wanted.name)
    did = HistoryRecord(run=run.name, solution=wanted.name, did="roll back")
    run.ledger.record_history(run.group, did)


def columns_of(run: Run, wanted: Recommender) -> tuple[str, ...]:
    """The item columns that it returns with an answer."""
    return run.data.metadata_columns if wanted.metadata else ()
