"""A changed config is applied without an export: a run that imports nothing, and trains what is new.

What had been withheld in the last import is still in no import, so that a solution with other settings
is judged by it as any candidate is.
"""

from __future__ import annotations

import msgspec

from chalicelib import layout, names
from chalicelib.config import loading
from chalicelib.config.sections import Config, Gate, Recommender, Solution, Source
from chalicelib.context import Context
from chalicelib.documents import ExportSet
from chalicelib.intake.starting import Start, start
from chalicelib.telemetry import logger


def start_if_changed(context: Context, group: str, text: str) -> str | None:
    """The run that applies `text`; None where nothing but the reading of exports has changed.

    A group that has imported nothing yet has nothing to change.

    Raises:
        ConfigError: the text cannot be used.
    """
    now = _applied(text.encode(), group)
    held, last = context.ledger.data(group), _last_applied(context, group)
    if held is None or last is None:
        return None
    run, before = last[0], _applied(last[1], group)
    if before == now:
        return None
    solutions = to_train(before, now)
    export = ExportSet(
        group=group, datasets={}, mode="INCREMENTAL", complete_by="config", solutions=solutions
    )
    wanted = Start(
        names.configured(held.run, run, text),
        export,
        text,
        data_report=context.work.read(layout.data_report(held.run)),
        withheld=context.work.read_if_there(held.withheld) if held.withheld else None,
    )
    begun = start(context, wanted)
    logger.info("config changed", extra={"run": begun.run, "solutions": solutions})
    return begun.run if begun.is_new else None


def _last_applied(context: Context, group: str) -> tuple[str, bytes] | None:
    """The newest run that has begun and did not fail, and its config.

    One that is claimed may wait for the group, or its start broke off: asked for again, that is found
    by its name.
    """
    for run in reversed(context.ledger.runs(group)):
        record = context.ledger.run(run)
        if record is None or record.status == "failed":
            continue
        if record.status == "claimed" and context.machine.status(group, run) is None:
            continue
        if (config := context.work.read_if_there(layout.config(run))) is not None:
            return run, config
    return None


def to_train(before: Config, now: Config) -> tuple[str, ...]:
    """The recommenders and solutions that are new, or whose models would be others."""
    known, wanted = _models(before), _models(now)
    return tuple(name for name, model in wanted.items() if known.get(name) != model)


def _applied(text: bytes, group: str) -> Config:
    """What of a config acts on what is there; how exports are read acts on the next one."""
    config = loading.load(text.decode("utf-8-sig"), group)
    return msgspec.structs.replace(config, source=Source(), dataset=())


def _models(config: Config) -> dict[str, tuple[Solution | Recommender, bool]]:
    recommenders = {one.name: _model(one) for one in config.recommender}
    return recommenders | {one.name: _model(one) for one in config.solution}


def _model(made: Solution | Recommender) -> tuple[Solution | Recommender, bool]:
    """What a model depends on, and whether it is to serve at all. Of a recommender that is all of it."""
    bare = msgspec.structs.replace(made, gate=Gate())
    if isinstance(bare, Recommender):
        return bare, True
    return msgspec.structs.replace(bare, campaign=None, batch=None), bare.campaign is not None
