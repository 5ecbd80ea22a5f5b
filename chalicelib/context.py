"""What a task or a request gets to work with, and the one place where it is put together.

A `Context` makes each collaborator when it is first asked for, so a function pays for what it uses
and needs the permissions and variables of that alone. Tests build one of their own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property

from chalicelib.buckets import Bucket
from chalicelib.clients import Clients
from chalicelib.executions import StateMachine
from chalicelib.ledger import Ledger
from chalicelib.messages import Queue, Topic
from chalicelib.personalize.arns import Arns
from chalicelib.personalize.backend import Personalize
from chalicelib.settings import Settings


@dataclass(frozen=True)
class Context:
    """`now` gives epoch seconds, `clock` monotonic seconds, `random` a number in [0, 1)."""

    settings: Settings = field(default_factory=Settings)
    clients: Clients = field(default_factory=Clients)
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.clients.table(self.settings.table_name), self.now)

    @cached_property
    def drop(self) -> Bucket:
        return Bucket(self.clients.s3, self.settings.drop_bucket)

    @cached_property
    def work(self) -> Bucket:
        return Bucket(self.clients.s3, self.settings.work_bucket)

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.clients.sqs, self.settings.queue_url)

    @cached_property
    def topic(self) -> Topic:
        return Topic(self.clients.sns, self.settings.topic_arn)

    @cached_property
    def machine(self) -> StateMachine:
        return StateMachine(self.clients.stepfunctions, self.settings.state_machine_arn)

    @cached_property
    def personalize(self) -> Personalize:
        role = self.settings.personalize_role_arn
        client = self.clients.personalize
        arns = Arns.beside(role, client.meta.region_name)
        runtime, events = self.clients.personalize_runtime, self.clients.personalize_events
        return Personalize(client, runtime, events, arns, role)


@cache
def open_context() -> Context:
    """The context of this process, over its environment."""
    return Context()
