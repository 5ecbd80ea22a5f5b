"""From `app.on_export` to a callable: finds, imports and forgets what the functions name.

Two projects with an `app.py` may take turns in one process, and a Chalice application that was made
for one request at a time serves many threads here.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recdrop.project import put_on_path


def find_handler(handler: str, project: Path) -> Callable[[Any, Any], Any]:
    """The callable that `module.attribute` names in the project.

    Raises:
        TypeError: it names nothing that can be called.
    """
    module_name, _, attribute = handler.rpartition(".")
    module = import_from(project, module_name)
    found: Any = getattr(module, attribute, None)
    if not callable(found):
        raise TypeError(f"Handler {handler!r} names nothing callable in {module.__file__}.")
    make_thread_safe(found)
    return found  # type: ignore[no-any-return]


def import_from(project: Path, module_name: str) -> Any:
    """Import a top module of the project, though another project's of that name may be loaded."""
    forget_module_of_other_project(project, module_name)
    put_on_path(project)
    return importlib.import_module(module_name)


def forget_module_of_other_project(project: Path, module_name: str) -> None:
    """Make room for ours: two projects with an `app.py` may take turns in one process.

    Tests do. The project comes to the front of the path.
    """
    loaded = sys.modules.get(module_name)
    if loaded is not None and Path(str(loaded.__file__)).resolve().parent != project.resolve():
        del sys.modules[module_name]
        if str(project) in sys.path:
            sys.path.remove(str(project))
        sys.path.insert(0, str(project))


def forget_warm_state(project: Path) -> None:
    """Empty the function caches of the project's modules.

    Clients of a stopped stack must not outlive it; on AWS they die with the sandbox.
    """
    for module in list(sys.modules.values()):
        if not is_of_project(module, project):
            continue
        for value in list(vars(module).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                clear()


def is_of_project(module: Any, project: Path) -> bool:
    """Whether a module is the application's: in the project, not a dependency, not this package."""
    file = getattr(module, "__file__", None)
    if not file or not Path(file).is_relative_to(project):
        return False
    is_ours = module.__name__.split(".")[0] == __name__.split(".")[0]
    return not is_ours and not Path(file).is_relative_to(project / ".venv")


class ThreadLocalRequest:
    """`current_request` and `lambda_context` per thread; a Chalice object keeps one for all."""

    _request_local: threading.local

    @property
    def current_request(self) -> Any:
        return getattr(self._request_local, "request", None)

    @current_request.setter
    def current_request(self, request: Any) -> None:
        self._request_local.request = request

    @property
    def lambda_context(self) -> Any:
        return getattr(self._request_local, "context", None)

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._request_local.context = context


def make_thread_safe(handler: Any) -> None:
    """Mix `ThreadLocalRequest` into a Chalice application; other handlers need nothing."""
    if hasattr(handler, "routes") and not isinstance(handler, ThreadLocalRequest):
        handler._request_local = threading.local()
        handler.__class__ = type("LocalChalice", (ThreadLocalRequest, handler.__class__), {})
