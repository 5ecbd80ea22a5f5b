"""`recdrop.personalize.mock`: inside, boto3 talks to a Personalize of its own.

    @recdrop.personalize.mock
    def test_it(): ...

    with recdrop.personalize.mock(latency="quick") as service: ...

Clients that are made inside talk to it; the environment is as it was afterwards. Of a class, every
method whose name begins with `test` is wrapped.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar, overload

from recdrop.testing.environment import change, leading_to
from recdrop.testing.service import Service, running

F = TypeVar("F", bound=Callable[..., Any])


class Mock:
    """A context manager and a decorator; each use starts a service of its own.

    `options` are those of PersonalizeServer, and `speed`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._stack = ExitStack()

    def __enter__(self) -> Service:
        with ExitStack() as opening:
            service = opening.enter_context(running(**self._options))
            opening.callback(change, change(leading_to(service.url)))
            self._stack = opening.pop_all()
        return service

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __call__(self, wrapped: F) -> F:
        if inspect.isclass(wrapped):
            for name, method in inspect.getmembers(wrapped, inspect.isfunction):
                if name.startswith("test"):
                    setattr(wrapped, name, self(method))
            return wrapped
        if inspect.iscoroutinefunction(wrapped):

            @functools.wraps(wrapped)
            async def later(*arguments: Any, **named: Any) -> Any:
                with Mock(**self._options):
                    return await wrapped(*arguments, **named)

            return later  # type: ignore[return-value]

        @functools.wraps(wrapped)
        def now(*arguments: Any, **named: Any) -> Any:
            with Mock(**self._options):
                return wrapped(*arguments, **named)

        return now  # type: ignore[return-value]


@overload
def mock(wrapped: F) -> F: ...
@overload
def mock(**options: Any) -> Mock: ...
def mock(wrapped: Any = None, **options: Any) -> Any:
    """The decorator without parentheses, or a Mock."""
    return Mock(**options) if wrapped is None else Mock()(wrapped)
