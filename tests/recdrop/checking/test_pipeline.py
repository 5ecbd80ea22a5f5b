"""What `check` says is what a run of the pipeline says: the same functions over the same files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chalicelib.shop import Tasks, catalogue, export_of, purchases
from tests.chalicelib.town import Servers, open_servers
from tests.recdrop.checking.exports import checked, write


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with open_servers(tmp_path_factory.mktemp("personalize")) as started:
        yield started


@pytest.mark.parametrize("domain", ["", '[group]\ndomain = "ECOMMERCE"\n'])
def test_the_schemas_and_findings_are_those_of_a_run(
    servers: Servers, tmp_path: Path, domain: str
) -> None:
    header, _, body = catalogue().decode().partition("\n")
    priced = "\n".join(f"{line},9.99,Tea|Green" for line in body.splitlines())
    things = f"{header},PRICE,CATEGORY_L1\n{priced}\n".encode()
    objects = {"interactions/orders.csv": purchases(), "items/things.csv": things}
    town = servers.open_town()
    run = town.begin_run("shop", domain, export_of(town, "shop", objects))
    Tasks(run).normalise()
    Tasks(run).check()

    found = checked(write(tmp_path / "x", {**objects}), domain)
    plans = found.judged.plans or {}
    assert {name: json.loads(plan.schema) for name, plan in plans.items()} == {
        name: json.loads(schema) for name, schema in run.data.schemas.items()
    }
    told = {f.code for f in run.data.report.findings} - {"withheld"}
    assert {f.code for f in found.judged.findings} == told
    by_name = {s.dataset: s for s in found.judged.summaries}
    assert {s.dataset: (s.rows, s.kept) for s in run.data.report.datasets} == {
        name: (s.rows, s.kept) for name, s in by_name.items()
    }
