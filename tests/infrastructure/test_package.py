"""What is packaged is what ships: the template, the code and the layer agree."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from infrastructure.package import LOCK, PROJECT, PYTHON, locked, merge_template, write_code
from recdrop.local import statemachine

PIPELINE = Path(__file__).resolve().parents[2] / "statemachines" / "pipeline.asl.json"


def test_the_state_machine_is_inlined_with_its_policies_written_out() -> None:
    properties = merge_template()["Resources"]["Pipeline"]["Properties"]
    assert "DefinitionUri" not in properties
    assert properties["Definition"] == statemachine.read(PIPELINE)
    rules = [
        r for _, s in statemachine.states(properties["Definition"]) for r in s.get("Retry", ())
    ]
    assert rules
    assert all("ErrorEquals" in rule for rule in rules)


def test_functions_and_layer_run_on_one_python_of_amazon_linux_2023(package_folder: Path) -> None:
    resources = json.loads((package_folder / "sam.json").read_text())["Resources"]
    runtimes = {
        r["Properties"]["Runtime"]
        for r in resources.values()
        if r["Type"] == "AWS::Serverless::Function"
    }
    assert runtimes == {f"python{PYTHON}"}
    assert resources["DuckdbLayer"]["Properties"]["CompatibleRuntimes"] == [f"python{PYTHON}"]
    assert tuple(int(part) for part in PYTHON.split(".")) >= (3, 12)  # 3.11 is on Amazon Linux 2


def test_only_what_ships_is_packed(package_folder: Path) -> None:
    with zipfile.ZipFile(package_folder / "deployment.zip") as code:
        names = code.namelist()
    ours = {name.split("/")[0] for name in names if not name.split("/")[0].endswith(".dist-info")}
    assert ours == {
        "_yaml",
        "app.py",
        "aws_lambda_powertools",
        "backports",
        "chalice",
        "chalicelib",
        "jmespath",
        "msgspec",
        "typing_extensions.py",
        "yaml",
    }
    assert {name for name in names if name.startswith("chalice/")} == {
        "chalice/__init__.py",
        "chalice/app.py",
    }
    assert not [name for name in names if "__pycache__" in name]
    compiled = [name for name in names if name.endswith(".so")]
    assert compiled
    assert all(f"cpython-{PYTHON.replace('.', '')}-x86_64" in name for name in compiled)


def test_the_same_sources_make_the_same_bytes(package_folder: Path, tmp_path: Path) -> None:
    write_code(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (package_folder / "deployment.zip").read_bytes()


# What Amazon Linux 2023 has (glibc 2.34; libstdc++ and libgcc of GCC 11).
AL2023 = {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 29), "CXXABI": (1, 3, 13), "GCC": (11,)}


@pytest.mark.parametrize("archive", ["duckdb-layer.zip", "deployment.zip"])
def test_compiled_code_loads_on_amazon_linux_2023(package_folder: Path, archive: str) -> None:
    needed: dict[str, set[tuple[int, ...]]] = {}
    with zipfile.ZipFile(package_folder / archive) as packed:
        for name in packed.namelist():
            if ".so" in Path(name).suffixes:
                for library, version in needed_versions(packed.read(name)):
                    needed.setdefault(library, set()).add(version)
    assert "GLIBC" in needed
    assert needed.keys() <= AL2023.keys()
    assert {lib: max(found) for lib, found in needed.items() if max(found) > AL2023[lib]} == {}


def needed_versions(library: bytes) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The symbol versions that an ELF file asks of the system's libraries, such as GLIBC_2.25."""
    elf = ELFFile(io.BytesIO(library))
    assert elf["e_machine"] == "EM_X86_64"
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                for version in versions:
                    name, _, number = version.name.partition("_")
                    yield name, tuple(int(part) for part in number.split("."))


def test_all_that_ships_is_locked_with_hashes() -> None:
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    asked = (PROJECT / "requirements" / "shipped.in").read_text().splitlines()
    assert all("==" in package and package.endswith("\\") for package in packages)
    assert {line.split(">=")[0] for line in asked if line[0] != "#"} <= {
        package.split("==")[0] for package in packages
    }
    # The laptop runs what ships.
    assert all(package.split()[0] in LOCK.read_text() for package in packages)


def test_a_package_that_is_not_locked_is_named() -> None:
    assert re.match(r"duckdb==[0-9.]+ .*--hash=sha256:", locked("duckdb"), re.DOTALL)
    with pytest.raises(click.ClickException, match="has no 'duck'"):
        locked("duck")
