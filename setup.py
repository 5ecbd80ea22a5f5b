"""Puts the deployable project into the package, as data: a wheel of recdrop is all of recdrop.

The project lies beside the package, as Chalice wants it, and package-data cannot reach out there.
So the build copies it to recdrop/application, where `recdrop.project` finds it. Everything else of
the package is declared in pyproject.toml.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = (
    "app.py",
    "requirements.txt",
    ".chalice/config.json",
    ".chalice/policies/*.json",
    "chalicelib/**/*.py",
    "infrastructure/resources.json",
    "statemachines/*.json",
)
PACKAGE = "recdrop"
TARGET = Path(PACKAGE, "application")


def project_files() -> Iterator[str]:
    """The files of the project, relative to this folder."""
    for pattern in PROJECT:
        yield from sorted(str(path) for path in Path().glob(pattern))


class BuildWithProject(build_py):
    """The package's modules, then the project's files."""

    def run(self) -> None:
        """Copy both; an editable install has the project around it and needs no copy."""
        if self.editable_mode:
            super().run()
            return
        # A module that was deleted or renamed since the last build would still be packed.
        shutil.rmtree(Path(self.build_lib, PACKAGE), ignore_errors=True)
        super().run()
        for target, source in self.project_outputs().items():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)

    def project_outputs(self) -> dict[str, str]:
        """The file of the project behind each file that the build makes of it."""
        return {str(Path(self.build_lib, TARGET, file)): file for file in project_files()}

    def get_source_files(self) -> list[str]:
        """What an sdist must hold for a wheel to be built from it."""
        return [*super().get_source_files(), *project_files()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Every file that the build makes."""
        return [*super().get_outputs(include_bytecode), *self.project_outputs()]

    def get_output_mapping(self) -> dict[str, str]:
        """The source of every file that the build makes."""
        return {**super().get_output_mapping(), **self.project_outputs()}


setup(cmdclass={"build_py": BuildWithProject})
