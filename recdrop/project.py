"""The project that is deployed: the one in the working directory, or the one that came with recdrop.

A project is a folder with `app.py` and `.chalice`. In a clone recdrop's own project is the clone. A
wheel carries it in `recdrop/application`, where setup.py puts it.

What a command writes goes to the working directory or to a data folder, never beside an installed
project.
"""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
INSTALLED = PACKAGE / "application"
PARTS = ("app.py", ".chalice")

# Where `recdrop demo` leaves its data, and the mark by which it knows that nobody else's is there.
DEMO_DATA = Path(".recdrop", "data")
DEMO_MARK = "made-by-demo"


class ProjectError(Exception):
    """There is no project; the message says where it was looked for."""


def find(folder: Path | None = None) -> Path:
    """The project in a folder (default: the working directory), else recdrop's own.

    Raises:
        ProjectError: neither is there.
    """
    here = folder or Path()
    return here if is_project(here) else own(looked_in=(here,))


def own(looked_in: tuple[Path, ...] = ()) -> Path:
    """The project that recdrop itself belongs to: inside the package, or the clone around it.

    Raises:
        ProjectError: it is not there. The message names `looked_in` too.
    """
    places = (INSTALLED, PACKAGE.parent)
    for place in places:
        if is_project(place):
            return place
    tried = ", ".join(repr(str(place.resolve())) for place in (*looked_in, *places))
    raise ProjectError(f"No project in {tried}. Expected a folder with {' and '.join(PARTS)}.")


def is_project(folder: Path) -> bool:
    """Whether Chalice could deploy what is in the folder."""
    return all((folder / part).exists() for part in PARTS)


def scratch(project: Path) -> Path:
    """The folder for what is made of a project and can be made again, such as its template."""
    # An installed project may be read-only, and pip would not remove what we added to it.
    home = Path() if project.resolve() == INSTALLED else project
    return home / ".recdrop"


def put_on_path(project: Path) -> None:
    """Make the project's `app` and `chalicelib` importable; the only place that does."""
    folder = str(project.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
