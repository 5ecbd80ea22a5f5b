"""Step Functions waits: Retry and Wait take what the clock says, and end when the run is stopped."""

from __future__ import annotations

from typing import Any

from recdrop.local.shims.clock import Clock
from recdrop.local.shims.site import site


def scale_retries() -> None:
    """A Retry sleeps a second at least, and sleeps on when the run is stopped; here it does not."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    class RunClock:
        # moto's own sleep is not reached any more. If a release came back to it, runs would only be
        # slow, and nobody would see why.
        @staticmethod
        def sleep(seconds: float) -> None:
            raise AssertionError(f"RetrierDecl slept {seconds} s outside the clock.")

    def eval_body(retrier: Any, env: Any) -> None:
        # As in moto, but for the wait: each part leaves its value on the stack, and jitter leaves
        # the seconds to wait.
        retrier.error_equals.eval(env)
        if not env.stack.pop():
            env.stack.append(retrier_decl.RetrierOutcome.Skipped)
            return
        retrier.max_attempts.eval(env=env)
        if env.stack.pop() == retrier_decl.MaxAttemptsOutcome.EXHAUSTED:
            env.stack.append(retrier_decl.RetrierOutcome.Failed)
            return
        for part in (retrier.interval_seconds, retrier.backoff_rate, retrier.max_delay_seconds):
            part.eval(env=env)
        retrier.jitter_strategy.eval(env=env)
        clock_of(env).wait_while(env.is_running, env.program_state_event, env.stack.pop())
        env.stack.append(retrier_decl.RetrierOutcome.Executed)

    retrier_decl.time = RunClock
    retrier_decl.RetrierDecl._eval_body = eval_body


def clock_of(env: Any) -> Clock:
    """The clock of the state machine that a run belongs to."""
    context = env.states.context_object.context_object_data
    return site().clock_of(context["StateMachine"]["Id"])


def scale_waits() -> None:
    """A Wait state of 60 s takes 60 s; here it takes what the clock says."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
        WaitFunction,
    )

    def wait_interval(_function: Any, env: Any, wait_seconds: float) -> None:
        clock_of(env).wait_while(env.is_running, env.program_state_event, wait_seconds)

    WaitFunction._wait_interval = wait_interval
