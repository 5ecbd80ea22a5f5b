"""The import graph of the project, read from its sources. Imports under TYPE_CHECKING count too."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("app", "chalicelib", "recdrop", "infrastructure")
Graph = Mapping[str, frozenset[str]]


@cache
def modules() -> Mapping[str, Path]:
    """Every module of ours by its dotted name; a package's name stands for its `__init__`."""
    found = {"app": PROJECT / "app.py"}
    for package in OURS[1:]:
        for path in (PROJECT / package).rglob("*.py"):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, at whatever depth: `from a import b` gives `a.b` too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def files() -> Graph:
    """Which module of ours imports which."""
    known = modules()
    return {
        name: frozenset(
            target
            for target in (_module(text, known) for text in imported(path))
            if target not in ("", name)
        )
        for name, path in known.items()
    }


def _module(text: str, known: Mapping[str, Path]) -> str:
    """The module of ours that an imported name is, or lies in; "" for somebody else's."""
    while text and text not in known:
        text = text.rpartition(".")[0]
    return text


def rooms(package: str) -> Graph:
    """The children of a package (modules, folders) and which of them imports which.

    The package's own `__init__` is a child called like the package.
    """
    children: dict[str, set[str]] = {}
    for name, targets in files().items():
        if child := _child(package, name):
            into = {_child(package, target) for target in targets}
            children.setdefault(child, set()).update(into - {None, child})  # type: ignore[arg-type]
    return {child: frozenset(targets) for child, targets in children.items()}


def _child(package: str, name: str) -> str | None:
    if package == "":
        return name.split(".")[0]
    if name == package:
        return package
    if not name.startswith(package + "."):
        return None
    return ".".join(name.split(".")[: package.count(".") + 2])


def packages() -> list[str]:
    """ "" (the project) and every package of ours."""
    return ["", *sorted(n for n, path in modules().items() if path.name == "__init__.py")]


def circles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that reach each other (Tarjan's strongly connected components over one node)."""
    found: list[list[str]] = []
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            cut = stack.index(node)
            if len(stack) - cut > 1:
                found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def arrows(out_of: str, into: Iterable[str]) -> list[tuple[str, str]]:
    """(module, imported name) of every import from below `out_of` to a name below one of `into`."""
    wanted = tuple(into)
    return [
        (name, text)
        for name, path in modules().items()
        if _below(name, out_of)
        for text in imported(path)
        if any(_below(text, target) for target in wanted)
    ]


def _below(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")
