"""From an object's arrival to at most one run per export: what lies behind S3 -> EventBridge -> SQS.

Events come at least once and in no order, so an event only says where to look: what is there now is
what counts. A message that asks to look again later (quiet periods, manifests that wait for a file)
goes through the same queue.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from chalicelib import layout, names
from chalicelib.buckets import Head
from chalicelib.config import loading
from chalicelib.config.loading import ConfigError
from chalicelib.config.sections import Config
from chalicelib.context import Context
from chalicelib.documents import ArrivalRecord, NoteRecord, RunRecord
from chalicelib.errors import shown
from chalicelib.intake import keys, listing, lost, manifests, reconfiguring, sets
from chalicelib.intake.manifests import ManifestError
from chalicelib.intake.rules import rules_of
from chalicelib.intake.sets import LOOK_SECONDS, Decision, Facts
from chalicelib.intake.starting import Start, start
from chalicelib.ledger import TAKEN_SECONDS
from chalicelib.sources import delta
from chalicelib.sources.adapter import Seen
from chalicelib.telemetry import logger

NOBODY = "(no group)"
CORRECTION = "waiting for a correction"
KNOWN = "export is known"


def handle(context: Context, event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:
    """Takes a batch of messages, each on its own: one that fails does not hold up the others.

    The answer names the messages that are to be delivered again.
    """
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    # A batch of one that fails is no error of the function: the message alone comes again.
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event,
        record_handler=lambda record: receive(context, record["body"]),
        processor=processor,
        context=lambda_context,
    )
    return dict(answer)


def receive(context: Context, body: str) -> None:
    """A message's text. One that cannot be read is told of and done: it would never be otherwise."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        _tell(context, NOBODY, "message ignored", f"{shown(body)} is not JSON: {error}.")
        return
    if isinstance(message, dict):
        take(context, message)
    else:
        expected = "a JSON object, as EventBridge sends it"
        _tell(context, NOBODY, "message ignored", f"{shown(body)}. Expected {expected}.")


def take(context: Context, message: Mapping[str, Any]) -> None:
    """A message of the queue: an S3 event by EventBridge, our own `{"look_again": group}`, or our own
    `{"hear_again": key}`.
    """
    if "look_again" in message:
        if _is_group(context, message["look_again"]):
            look(context, message["look_again"])
            _reconfigure(context, message["look_again"])
    elif keys.can_be(message.get("hear_again")):
        arrive(context, message["hear_again"])
    elif message.get("detail-type") == "Object Created":
        key = _key_of(message)
        if key is None:
            reason = f"{shown(message)} names no object. Expected a key of at most 1,000 bytes."
            _tell(context, NOBODY, "message ignored", reason)
        else:
            arrive(context, key)
    else:
        kind = shown(message.get("detail-type", sorted(message)))
        logger.info("message ignored", extra={"kind": kind})


def arrive(context: Context, key: str) -> None:
    """Records what lies at `key` now, and looks whether an export has become complete."""
    group = keys.group_of(key)
    if not _is_group(context, group, f"Object {shown(key)} is not part of any group. "):
        return
    head = context.drop.head(key)
    if head is None:
        logger.info("object vanished before it was read", extra={"key": key})
        return
    if key == layout.group_config(group):
        context.ledger.found_group(group)
        _hear_of_the_rest(context, group)
        # A config that comes with an export is applied by the export's own run.
        context.queue.look_again(group, context.settings.quiet_seconds)
    elif taker := _taken_by(context, group, key, head):
        context.ledger.record_note(group, KNOWN, taker.run)
        if taker.status != "succeeded":
            # Should it fail, or be stopped, then this is a drop for its next attempt.
            context.queue.hear_again(key, min(LOOK_SECONDS, context.settings.deadline_seconds))
    else:
        _record_arrival(context, group, key, head)
    look(context, group)


def _hear_of_the_rest(context: Context, group: str) -> None:
    """What lies there and belongs to no run: with another config it may be part of an export."""
    known = {layout.group_config(group)}
    known |= {record.key for record in context.ledger.arrivals(group)}
    known |= context.ledger.taken_below(group, f"{group}/").keys()
    for key, head in context.drop.heads(f"{group}/").items():
        # What is older may have been taken by a run that is no longer remembered.
        is_recent = head.modified > context.now() - TAKEN_SECONDS
        if is_recent and key not in known and keys.can_be(key):
            _record_arrival(context, group, key, head)


def _reconfigure(context: Context, group: str) -> None:
    """Applies a config that has changed, unless an export is on its way, whose run will."""
    if context.ledger.arrivals(group):
        return
    try:
        run = reconfiguring.start_if_changed(context, group, _config_text(context, group))
    except ConfigError as error:
        _tell(context, group, CORRECTION, str(error))
        return
    if run:
        context.ledger.record_note(group, NoteRecord.STARTED, run)


def _record_arrival(context: Context, group: str, key: str, head: Head) -> None:
    context.ledger.record_arrival(
        group, key, etag=head.etag, size=head.size, modified=head.modified
    )


def _taken_by(context: Context, group: str, key: str, head: Head) -> RunRecord | None:
    """The run that has taken what lies at `key`, unless it failed: then it is dropped again."""
    taken = context.ledger.taken(group, key)
    if taken is None or taken.etag != head.etag:
        return None
    record = context.ledger.run(taken.run)
    if record is None or record.status == "failed" or lost.close_if_lost(context, record):
        return None
    return record


def _key_of(message: Mapping[str, Any]) -> str | None:
    """The object's key; None when the event has none that an object could have."""
    try:
        key = message["detail"]["object"]["key"]
    except (KeyError, TypeError):
        return None
    return key if isinstance(key, str) and keys.can_be(key) else None


def _is_group(context: Context, group: Any, about: str = "") -> bool:
    """Whether it can name a dataset group; one that cannot is told of."""
    try:
        loading.check_group_name(group if isinstance(group, str) else "")
    except ConfigError as error:
        named = group if isinstance(group, str) and keys.can_be(group) else NOBODY
        _tell(context, named[: names.MAX_RESOURCE], "ignored", f"{about}{error}")
        return False
    return True


def look(context: Context, group: str) -> None:
    """Decides on the arrivals of a group, and acts, until there is nothing more to start."""
    logger.thread_safe_append_keys(group=group)
    while records := context.ledger.arrivals(group):
        text = _config_text(context, group)
        try:
            config = loading.load(text, group)
            facts, decision = _decide(context, group, config, records)
        except ConfigError as error:
            # The files wait. The corrected file arrives as an object of its own: then we look again.
            _tell(context, group, CORRECTION, str(error))
            return
        except ManifestError as error:
            if _wait_for_manifest(context, group, records, error):
                return
            continue  # without it: it is not to hold up what came after it
        match decision:
            case sets.Complete(export, ignored, done):
                begun = start(context, Start(export.export_id, export, text, ignored))
                what = NoteRecord.STARTED if begun.is_new else KNOWN
                context.ledger.record_note(group, what, begun.run)
                taken = [found.record for key, found in facts.arrivals.items() if key in done]
                context.ledger.record_taken(group, begun.run, taken)
                _forget(context, group, records, done)
                continue  # the next export of the group may be complete, too
            case sets.Waiting(until, why):
                _note(context, group, "export not complete", why)
                context.queue.look_again(group, until - context.now())
            case sets.Rejected(reason, rejected):
                _quarantine(context, group, reason, rejected)
                _forget(context, group, records, rejected)
            case sets.Ignored(why, hopeless, is_mistake):
                (_tell if is_mistake else _note)(context, group, "nothing to import", why)
                _forget(context, group, records, hopeless)
        return


# -- gathering facts -------------------------------------------------------------------------------


def _decide(
    context: Context, group: str, config: Config, records: Sequence[ArrivalRecord]
) -> tuple[Facts, Decision]:
    """What is known of a group, and what to do about it.

    Raises:
        ManifestError: a manifest or a commit file cannot be used.
    """
    facts = _gather(context, group, config.mapped, records)
    rules = rules_of(config.source, Seen([key.partition("/")[2] for key in facts.arrivals]))
    decide = partial(
        sets.decide,
        rules=rules,
        now=context.now(),
        quiet_seconds=context.settings.quiet_seconds,
        deadline_seconds=context.settings.deadline_seconds,
    )
    decision = decide(facts)
    if isinstance(decision, sets.Unlisted):
        facts = listing.look_there(context, facts, decision.folders, rules.mode, config.mapped)
        # What was deleted meanwhile never came. Kept, it would be looked for again and again.
        gone = [record for record in records if record.key not in facts.arrivals]
        context.ledger.clear_arrivals(group, gone)
        decision = decide(facts)
    return facts, decision


def _config_text(context: Context, group: str) -> str:
    """The text of the group's recdrop.toml; "" (all defaults) when there is none."""
    body = context.drop.read_if_there(layout.group_config(group))
    # A byte that is no UTF-8 becomes a mark that TOML refuses, so the user is told where it is.
    return (body or b"").decode("utf-8-sig", errors="replace")


def _gather(
    context: Context, group: str, mapped: keys.Mapped, records: Sequence[ArrivalRecord]
) -> Facts:
    """Everything that events have told of the group, and what manifests list.

    Raises:
        ManifestError: a manifest cannot be used.
    """
    arrivals = {record.key: keys.recognise(record, mapped) for record in records}
    lists = [key for key, arrival in arrivals.items() if arrival.role == "manifest"]
    texts = listing.texts_of(context, lists)
    for key in set(lists) - texts.keys():
        # A list that was deleted never came. Kept, it would hold up the group for ever.
        context.ledger.clear_arrivals(group, [arrivals.pop(key).record])
    found = [
        manifests.read_manifest(arrivals[key], text, context.drop.name, mapped)
        for key, text in texts.items()
    ]
    late = listing.unheard_of(context, found, arrivals, mapped)
    has_interactions = context.ledger.data(group) is not None
    return Facts(group, arrivals | late, found, has_interactions=has_interactions)


# -- acting ----------------------------------------------------------------------------------------


def _quarantine(context: Context, group: str, reason: str, rejected: Collection[str]) -> None:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(context.now()))
    note = {"group": group, "reason": reason, "keys": sorted(rejected)}
    context.work.write_json(layout.incomplete_export(group, moment), note)
    _tell(context, group, "export quarantined", reason)


def _wait_for_manifest(
    context: Context, group: str, records: Sequence[ArrivalRecord], error: ManifestError
) -> bool:
    """Waits for the correction of a manifest until the deadline; then puts its export aside.

    Its export is what lies beside and below it and came before it.
    """
    # It may have been found beside what arrived. Then what came last is waited for.
    heard = [record.arrived for record in records if record.key == error.key]
    broken = max(heard or [record.arrived for record in records])
    until = broken + context.settings.deadline_seconds
    if context.now() < until:
        told = context.ledger.note(group)
        if told is None or (told.what, told.why) != (CORRECTION, str(error)):
            _tell(context, group, CORRECTION, str(error))
        context.queue.look_again(group, until - context.now())
        return True
    folder = delta.table(error.key) if delta.is_log(error.key) else keys.directory(error.key)
    export = {
        record.key
        for record in records
        if record.key.startswith(folder) and record.arrived <= broken
    }
    _quarantine(context, group, str(error), export)
    _forget(context, group, records, export)
    return False


def _forget(
    context: Context, group: str, records: Sequence[ArrivalRecord], done: Collection[str]
) -> None:
    context.ledger.clear_arrivals(group, [record for record in records if record.key in done])


def _note(context: Context, group: str, what: str, why: str) -> None:
    """For whoever asks: `recdrop status`, and a drop that waits."""
    logger.info(what, extra={"why": why})
    context.ledger.record_note(group, what, why)


def _tell(context: Context, group: str, what: str, message: str) -> None:
    """For whoever asks, and for the topic."""
    logger.warning(what, extra={"group": group, "reason": message})
    context.ledger.record_note(group, what, message)
    context.topic.tell(group, what, message)
