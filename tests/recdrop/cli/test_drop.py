"""`recdrop drop --wait`: each drop waits for its own run, or is told why there is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recdrop.cli.common import FINDINGS, CliError
from recdrop.cli.drop import plan
from recdrop.local.aws.clients import Clients
from tests.recdrop.cli.test_cli import read_description, start_up
from tests.recdrop.conftest import eventually
from tests.workflow.shop import csv, purchases

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Up:
    """`recdrop up` in a process of its own, as a user has it: what it describes of itself."""

    aws_url: str
    outputs: Mapping[str, str]

    def boto_client(self, service: str) -> Any:
        return Clients(self.aws_url).get(service)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The real application. What the tests drop is too small for it: its runs fail, and soon."""
    options = ["--data-dir", str(tmp_path_factory.mktemp("stack")), "--no-watch"]
    options += ["--time-scale", "400", "--quiet-seconds", "1", "--env", "DEADLINE_SECONDS=3"]
    with start_up(*options, project=ROOT) as process:
        described = read_description(process)
        yield Up(described["aws_url"], described["outputs"])
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def start_drop(
    stack: Up, file: Path, group: str, *more: str, timeout: float = 30
) -> subprocess.Popen[str]:
    """`recdrop drop FILE --wait` in a process of its own."""
    arguments = ["drop", str(file), "--group", group, "--wait", "--timeout", str(timeout)]
    named = [] if file.name == "recdrop.toml" else ["--dataset", "interactions"]
    return subprocess.Popen(
        [sys.executable, "-m", "recdrop.cli", *arguments, *named, *more],
        env={**os.environ, "AWS_ENDPOINT_URL": stack.aws_url},
        cwd=file.parent,  # where no application lies: recdrop has to find its own
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def write(folder: Path, name: str, seed: int = 1) -> Path:
    """A file of interactions."""
    path = folder / name
    path.write_bytes(csv(purchases(seed, users=30, each=10)))
    return path


def test_two_drops_to_two_groups_each_wait_for_their_own_run(shop: Up, tmp_path: Path) -> None:
    one = start_drop(shop, write(tmp_path, "a.csv", 1), "first", "--json")
    two = start_drop(shop, write(tmp_path, "b.csv", 2), "second", "--json")
    for process, group in ((one, "first"), (two, "second")):
        code, out, err = finish(process)
        assert code == 5, err
        [run] = json.loads(out)
        assert (run["group"], run["status"]) == (group, "FAILED")
        assert "300 usable interactions. Expected at least 1,000" in run["reason"]


def test_two_drops_to_one_group_each_wait_for_their_own_run(shop: Up, tmp_path: Path) -> None:
    files = [write(tmp_path, "c.csv", 3), write(tmp_path, "d.csv", 4)]
    one = start_drop(shop, files[0], "shared", "--json")
    eventually(lambda: set_of(shop, "c.csv"))
    two = start_drop(shop, files[1], "shared", "--json")
    for process, file in ((one, files[0]), (two, files[1])):
        code, out, err = finish(process)
        assert code == 5, err
        [run] = json.loads(out)
        assert run["name"].endswith(str(set_of(shop, file.name)))


def set_of(stack: Up, name: str) -> str | None:
    """The run whose export set lists a file of that name."""
    s3, bucket = stack.boto_client("s3"), stack.outputs["WorkBucketName"]
    for item in s3.list_objects_v2(Bucket=bucket, Prefix="sets/").get("Contents", ()):
        if f"/{name}".encode() in s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read():
            return str(item["Key"].removeprefix("sets/").removesuffix(".json"))
    return None


def test_a_drop_that_is_refused_says_why_and_exits_with_1(shop: Up, tmp_path: Path) -> None:
    place = f"s3://{shop.outputs['DropBucketName']}/lost/interactions"
    entries = [{"url": f"{place}/{name}"} for name in ("e.csv", "gone.csv")]
    folder = tmp_path / "export"
    folder.mkdir()
    write(folder, "e.csv", 5)
    (folder / "manifest.json").write_text(json.dumps({"entries": entries}))
    code, out, err = finish(start_drop(shop, folder, "lost"))
    assert code == 1, out + err
    assert "was refused" in err
    assert "gone.csv" in err


def test_a_drop_that_waits_for_a_correction_says_so_and_exits_with_3(
    shop: Up, tmp_path: Path
) -> None:
    config = tmp_path / "recdrop.toml"
    config.write_text('[source]\ncomplete = "sometimes"\n')
    code, _, err = finish(start_drop(shop, config, "wrong"))
    assert (code, "The config waits for a correction" in err) == (3, True), err
    code, _, err = finish(start_drop(shop, write(tmp_path, "f.csv", 6), "wrong"))
    assert code == 3, err
    assert "waits for a correction" in err
    assert "source.complete" in err


def test_a_drop_that_is_not_complete_in_time_says_what_it_waits_for(
    shop: Up, tmp_path: Path
) -> None:
    config = tmp_path / "recdrop.toml"
    config.write_text('[source]\ncomplete = "quiet:5m"\n')
    assert finish(start_drop(shop, config, "patient"))[0] == 0
    code, _, err = finish(start_drop(shop, write(tmp_path, "g.csv", 7), "patient", timeout=3))
    assert code == 4
    assert "300 s of quiet" in err


# -- where files lie -------------------------------------------------------------------------------


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("USER_ID\n1\n")
    return folder


@pytest.mark.parametrize(
    ("names", "given", "keys"),
    [
        (
            ["items/i.csv", "interactions/day=1/a.csv", "interactions/manifest.json"],
            ".",
            ["interactions/day=1/a.csv", "items/i.csv", "interactions/manifest.json"],
        ),
        (["interactions/a.csv"], "interactions", ["interactions/a.csv"]),
        (["interactions/a.csv"], "interactions/a.csv", ["interactions/a.csv"]),
        (["items.csv.gz"], "items.csv.gz", ["items/items.csv.gz"]),
    ],
)
def test_datasets_are_found_by_the_names_of_folders_and_files(
    tmp_path: Path, names: list[str], given: str, keys: list[str]
) -> None:
    planned = plan((lay(tmp_path / "export", *names) / given,), "shop", None)
    assert [key for key, _ in planned] == [f"shop/{key}" for key in keys]


def test_of_any_folder_a_manifest_may_say_what_it_is(tmp_path: Path) -> None:
    planned = plan((lay(tmp_path / "export", "run1/a.csv", "run1/manifest.json"),), "shop", None)
    assert [key for key, _ in planned] == ["shop/run1/a.csv", "shop/run1/manifest.json"]


def test_a_folder_that_is_nearly_called_as_one_that_the_config_maps(tmp_path: Path) -> None:
    config = b"[[dataset]]\nname = 'orders'\ndataset = 'interactions'\n"
    with pytest.raises(CliError, match="Did you mean 'orders'"):
        plan((lay(tmp_path / "export", "ordrs/a.csv"),), "shop", None, lambda: config)


def test_a_folder_that_a_config_maps_is_one_too(tmp_path: Path) -> None:
    config = b"[[dataset]]\nname = 'clicks'\ndataset = 'interactions'\n"
    export = lay(tmp_path / "export", "clicks/a.csv")
    assert [key for key, _ in plan((export,), "shop", None, lambda: config)] == [
        "shop/clicks/a.csv"
    ]
    (export / "recdrop.toml").write_bytes(config)
    assert [key for key, _ in plan((export,), "shop", None)] == [
        "shop/recdrop.toml",
        "shop/clicks/a.csv",
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("interactons/a.csv", "Did you mean 'interactions'?"),
        ("ordrs/a.csv", "folder 'ordrs' is no dataset"),
        ("a.csv", "in no dataset folder"),
    ],
)
def test_what_would_not_be_imported_is_refused_before_it_is_uploaded(
    tmp_path: Path, name: str, told: str
) -> None:
    with pytest.raises(CliError, match="would not be imported") as error:
        plan((lay(tmp_path / "export", name),), "shop", None)
    assert told in str(error.value)
    assert error.value.exit_code == FINDINGS
