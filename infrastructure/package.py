"""`make package`: what `make deploy` deploys, in build/package.

    sam.json           Chalice's template with infrastructure/resources.json merged in and the
                       state machine inlined
    pipeline.asl.json  the state machine as it deploys, for linters and eyes
    deployment.zip     app.py, chalicelib/, chalice's runtime and what requirements.txt locks
    duckdb-layer.zip   DuckDB for the Lambdas that read exports

Chalice writes the template only. Its own packager makes code for the Python that it runs on; this
one makes it for Lambda's, whatever Python is here, and takes no wheel whose hash is not locked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from recdrop.local import statemachine, template

PROJECT = Path(__file__).resolve().parent.parent
TARGET = PROJECT / "build" / "package"
RESOURCES = PROJECT / "infrastructure" / "resources.json"
LOCK = PROJECT / "requirements" / "local.lock"
SHIPPED = ("app.py", "chalicelib")
# Of Chalice only what answers in Lambda ships, as its own packager has it.
CHALICE_RUNTIME = ("__init__.py", "app.py")
# Lambda's python3.12 and later run on Amazon Linux 2023, with glibc 2.34; python3.11 does not.
PYTHON = "3.13"
PLATFORM = "x86_64-manylinux_2_28"


@click.command()
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Folder to write.")
def main(target: Path) -> None:
    """Write the deployable template and code."""
    build(target)
    click.echo(f"Wrote {target / 'sam.json'}")


def build(target: Path = TARGET) -> Path:
    """Write all files of the package; the path of its template."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    merged = merge_template()
    sam = write_template(merged, target / "sam.json")
    write_code(target / "deployment.zip")
    write_layer(target / "duckdb-layer.zip")
    write_definition(merged, target / "pipeline.asl.json")
    return sam


def merge_template() -> dict[str, Any]:
    """The merge template with what it refers to read in.

    Inlined, the state machine deploys without an upload of its own, and can be linted.
    """
    merged: dict[str, Any] = json.loads(RESOURCES.read_text())
    for resource in merged["Resources"].values():
        properties = resource.get("Properties", {})
        if "DefinitionUri" in properties:
            path = PROJECT / properties.pop("DefinitionUri")
            properties["Definition"] = statemachine.read(path)
        if resource.get("Type") == "AWS::Serverless::LayerVersion":
            properties["CompatibleRuntimes"] = [f"python{PYTHON}"]
    return merged


def write_template(merged: dict[str, Any], path: Path) -> Path:
    """Chalice's template with the merge template in it, for the Python that Lambda will run."""
    merge = path.with_name("merge.json")
    merge.write_text(json.dumps(merged))
    sam = template.package(PROJECT, merge, "prod")
    merge.unlink()
    for _, properties in template.of_type(sam["Resources"], "AWS::Serverless::Function"):
        properties["Runtime"] = f"python{PYTHON}"
    path.write_text(json.dumps(sam, indent=1))
    return path


def write_code(archive: Path) -> None:
    """The zip of the functions: what is ours, Chalice's runtime, what requirements.txt locks."""
    import chalice

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder)
        install(PROJECT / "requirements.txt", target)
        for name in SHIPPED:
            copy(PROJECT / name, target / name)
        for name in CHALICE_RUNTIME:
            copy(Path(chalice.__file__).with_name(name), target / "chalice" / name)
        write_zip(target, archive)


def write_layer(archive: Path) -> None:
    """A Lambda layer (python/...) with the DuckDB that the laptop's lock names."""
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder, "layer.txt")
        requirement.write_text(locked("duckdb"))
        target = Path(folder, "layer")
        install(requirement, target / "python")
        write_zip(target, archive)


def write_definition(merged: dict[str, Any], path: Path) -> None:
    """The state machine in a file of its own: statelint reads no templates."""
    definition = merged["Resources"]["Pipeline"]["Properties"]["Definition"]
    path.write_text(json.dumps(definition, indent=1))


def locked(package: str) -> str:
    """The lines of a package in the laptop's lock: its version and hashes.

    Raises:
        click.ClickException: the lock has no such package.
    """
    lines = LOCK.read_text().splitlines()
    for start, line in enumerate(lines):
        if line.startswith(f"{package}=="):
            rest = range(start + 1, len(lines))
            end = next((i for i in rest if not lines[i].startswith("    --hash")), len(lines))
            return "\n".join(lines[start:end])
    raise click.ClickException(f"requirements/local.lock has no {package!r}. Run `make lock`.")


def install(requirements: Path, target: Path) -> None:
    """Install locked wheels of Lambda's platform, never a build, each with the hash of its lock.

    Raises:
        click.ClickException: uv could not.
    """
    uv = Path(sys.executable).with_name("uv")  # it need not be on the PATH
    command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--python-platform", PLATFORM, "--python-version", PYTHON]
    command += ["--only-binary", ":all:", "--target", str(target), "-r", str(requirements)]
    if subprocess.run(command, check=False, env=dict(os.environ)).returncode:
        raise click.ClickException(f"Failed: {' '.join(command)}")


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, without the bytecode of this machine's Python."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def write_zip(folder: Path, archive: Path) -> None:
    """Pack a folder. The same files make the same bytes, so a hash says whether they changed."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path in packable(folder):
            entry = zipfile.ZipInfo(str(path.relative_to(folder)))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, path.read_bytes())


def packable(folder: Path) -> Iterator[Path]:
    """The files of a folder in order, without the lock and the scripts that an installer leaves."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and inside.parts[0] != "bin" and inside.name != ".lock":
            yield path


if __name__ == "__main__":
    main()
