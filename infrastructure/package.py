"""`make package`: what `aws cloudformation deploy` deploys, in build/package.

    sam.json          Chalice's template with infrastructure/resources.json merged in and the state
                      machine inlined
    deployment.zip    app.py, chalicelib/ and requirements.txt, by Chalice
    duckdb-layer.zip  DuckDB for the Lambdas that read exports

With --bucket it also runs `aws cloudformation package`, which uploads both zips and writes
packaged.json.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = ("app.py", "chalicelib", ".chalice/config.json", ".chalice/policies", "requirements.txt")
LAYER_PLATFORM = "x86_64-manylinux_2_28"
RESOURCES = PROJECT / "infrastructure" / "resources.json"


@click.command()
@click.option("--bucket", help="Upload the zips here and write packaged.json.")
@click.option(
    "--target",
    type=click.Path(path_type=Path),
    default=PROJECT / "build" / "package",
    help="Folder to write.",
)
def main(bucket: str | None, target: Path) -> None:
    """Write the deployable template and code."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    merge = target / "merge.json"
    merge.write_text(json.dumps(merge_template(), indent=1))
    source = clean_source(target / "source")
    run(
        str(Path(sys.executable).with_name("chalice")),
        "--project-dir",
        str(source),
        "package",
        "--stage",
        "prod",
        "--merge-template",
        str(merge),
        str(target),
    )
    write_layer(target / "duckdb-layer.zip", target / "layer")
    for scratch in (source, target / "layer"):
        shutil.rmtree(scratch)
    merge.unlink()
    click.echo(f"Wrote {target / 'sam.json'}")
    if bucket:
        packaged = str(target / "packaged.json")
        run(
            "aws",
            "cloudformation",
            "package",
            "--template-file",
            "sam.json",
            "--s3-bucket",
            bucket,
            "--use-json",
            "--output-template-file",
            packaged,
            cwd=target,
        )
        click.echo(
            f"Deploy: aws cloudformation deploy --template-file {packaged} --stack-name recdrop --capabilities CAPABILITY_IAM"
        )


def merge_template() -> dict[str, Any]:
    """The merge template with every state machine's `DefinitionUri` read in: it deploys without an
    upload, and can be linted.
    """
    template: dict[str, Any] = json.loads(RESOURCES.read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "DefinitionUri" in properties:
            properties["Definition"] = json.loads(
                (PROJECT / properties.pop("DefinitionUri")).read_text()
            )
    return template


def clean_source(target: Path) -> Path:
    """A copy of what ships and no more: Chalice would pack __pycache__ too."""
    for name in SHIPPED:
        source, copy = PROJECT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy)
    return target


def write_layer(archive: Path, scratch: Path) -> None:
    """A Lambda layer (python/...) with the DuckDB that the laptop's lock names."""
    version = locked_version("duckdb")
    uv = Path(sys.executable).with_name("uv")
    arguments = [
        "--target",
        str(scratch / "python"),
        "--python-platform",
        LAYER_PLATFORM,
        "--python-version",
        "3.11",
        "--no-deps",
        f"duckdb=={version}",
    ]
    run(str(uv), "pip", "install", "--quiet", "--only-binary", ":all:", *arguments)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as layer:
        for path in sorted(scratch.rglob("*")):
            if path.is_file():
                layer.write(path, path.relative_to(scratch))


def locked_version(package: str) -> str:
    for line in (PROJECT / "requirements/local.lock").read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.removeprefix(f"{package}==").split()[0]
    raise click.ClickException(f"requirements/local.lock has no {package!r}. Run `make lock`.")


def run(*command: str, cwd: Path | None = None) -> None:
    finished: Sequence[str] = command
    # Chalice asks for a region even to write a template without one.
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
    if subprocess.run(finished, cwd=cwd, check=False, env=environment).returncode:
        raise click.ClickException(f"Failed: {' '.join(finished)}")


if __name__ == "__main__":
    main()
