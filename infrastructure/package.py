"""`make package`: what `aws cloudformation deploy` deploys, in build/package.

    sam.json           Chalice's template with infrastructure/resources.json merged in and the
                       state machine inlined
    pipeline.asl.json  the state machine as it deploys, for linters and eyes
    deployment.zip     app.py, chalicelib/ and requirements.txt, by Chalice
    duckdb-layer.zip   DuckDB for the Lambdas that read exports

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
from pathlib import Path
from typing import Any

import click

from recdrop.local import statemachine

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = ("app.py", "chalicelib", ".chalice/config.json", ".chalice/policies", "requirements.txt")
LAYER_PLATFORM = "x86_64-manylinux_2_28"
RESOURCES = PROJECT / "infrastructure" / "resources.json"
LOCK = PROJECT / "requirements" / "local.lock"
# Chalice deploys on the Python that it runs on; the layer must be made for the same one.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


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
    template = merge_template()
    write_template(template, target)
    write_layer(target / "duckdb-layer.zip", target / "layer")
    write_definition(template, target / "pipeline.asl.json")
    click.echo(f"Wrote {target / 'sam.json'}")
    if bucket:
        packaged = upload(target, bucket)
        click.echo(
            f"Deploy: aws cloudformation deploy --template-file {packaged}"
            " --stack-name recdrop --capabilities CAPABILITY_IAM"
        )


def merge_template() -> dict[str, Any]:
    """The merge template with what it refers to read in.

    Inlined, the state machine deploys without an upload of its own, and can be linted.
    """
    template: dict[str, Any] = json.loads(RESOURCES.read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "DefinitionUri" in properties:
            path = PROJECT / properties.pop("DefinitionUri")
            properties["Definition"] = statemachine.read(path)
        if resource.get("Type") == "AWS::Serverless::LayerVersion":
            properties["CompatibleRuntimes"] = [f"python{PYTHON}"]
    return template


def write_template(template: dict[str, Any], target: Path) -> None:
    """Let Chalice write sam.json and deployment.zip, with the template merged in."""
    merge = target / "merge.json"
    merge.write_text(json.dumps(template, indent=1))
    source = clean_source(target / "source")
    chalice = [str(beside_python("chalice")), "--project-dir", str(source)]
    run([*chalice, "package", "--stage", "prod", "--merge-template", str(merge), str(target)])
    shutil.rmtree(source)
    merge.unlink()


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
    install = [str(beside_python("uv")), "pip", "install", "--quiet", "--no-deps"]
    # The layer is for Lambda's machine, not for this one: a wheel of its platform, never a build.
    platform = ["--python-platform", LAYER_PLATFORM, "--python-version", PYTHON]
    platform += ["--only-binary", ":all:"]
    package = f"duckdb=={locked_version('duckdb')}"
    run([*install, *platform, "--target", str(scratch / "python"), package])
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as layer:
        for path in sorted(scratch.rglob("*")):
            if path.is_file():
                layer.write(path, path.relative_to(scratch))
    shutil.rmtree(scratch)


def write_definition(template: dict[str, Any], path: Path) -> None:
    """The state machine in a file of its own: statelint reads no templates."""
    definition = template["Resources"]["Pipeline"]["Properties"]["Definition"]
    path.write_text(json.dumps(definition, indent=1))


def upload(target: Path, bucket: str) -> Path:
    """Put both zips into the bucket; the template that says where they are."""
    packaged = target / "packaged.json"
    package = ["aws", "cloudformation", "package", "--template-file", "sam.json"]
    written = ["--use-json", "--output-template-file", str(packaged)]
    run([*package, "--s3-bucket", bucket, *written], folder=target)
    return packaged


def locked_version(package: str) -> str:
    """The version of a package in the laptop's lock.

    Raises:
        click.ClickException: the lock has no such package.
    """
    for line in LOCK.read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.removeprefix(f"{package}==").split()[0]
    raise click.ClickException(f"requirements/local.lock has no {package!r}. Run `make lock`.")


def beside_python(name: str) -> Path:
    """A program of this virtual environment, which need not be on the PATH."""
    return Path(sys.executable).with_name(name)


def run(command: list[str], folder: Path | None = None) -> None:
    """Run a command in a folder, and show what it says.

    Raises:
        click.ClickException: it failed.
    """
    # Chalice asks for a region even to write a template without one.
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
    if subprocess.run(command, cwd=folder, check=False, env=environment).returncode:
        raise click.ClickException(f"Failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
