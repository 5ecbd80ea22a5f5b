"""Who may know whom: no circle anywhere, and no arrow against the house's rules (design, section 2)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture import graph

AWS = ("boto3", "botocore", "moto")
NOT_SHIPPED = ("recdrop", "infrastructure", "benchmarks", "tests")


def test_no_file_reaches_itself() -> None:
    assert graph.circles(graph.files()) == []


@pytest.mark.parametrize("package", graph.packages(), ids=lambda package: package or "project")
def test_no_room_reaches_itself(package: str) -> None:
    assert graph.circles(graph.rooms(package)) == []


def test_a_circle_would_be_found() -> None:
    tangled = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set[str]()}
    frozen = {name: frozenset(targets) for name, targets in tangled.items()}
    assert graph.circles(frozen) == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("out_of", "forbidden"),
    [
        # What ships to Lambda is an island.
        ("app", NOT_SHIPPED),
        ("chalicelib", (*NOT_SHIPPED, "app", "moto", "numpy", "scipy", "click", "jinja2")),
        # The models know no AWS word and none of the house.
        (
            "recdrop.recommender",
            (*AWS, "chalicelib", "app", "duckdb", "chalice", "recdrop.local", "recdrop.cli"),
        ),
        ("recdrop.recommender", ("recdrop.personalize", "recdrop.service")),
        # The kit knows no service, a service knows no stack, the stack knows no command line.
        (
            "recdrop.service",
            ("recdrop.personalize", "recdrop.recommender", "recdrop.local", "recdrop.cli"),
        ),
        ("recdrop.personalize", ("recdrop.local", "recdrop.cli", "chalicelib", "app")),
        ("recdrop.local", ("recdrop.cli",)),
        # In chalicelib knowledge flows one way: words and tables, then rooms, then who uses them.
        ("chalicelib.vocabulary", ("chalicelib.documents", "chalicelib.names")),
        ("chalicelib.serving", ("chalicelib.pipeline", "chalicelib.personalize")),
        ("chalicelib.intake", ("chalicelib.pipeline", "chalicelib.serving")),
        ("chalicelib.sources", ("chalicelib.intake", "chalicelib.config", "chalicelib.context")),
        ("chalicelib.config", ("chalicelib.intake", "chalicelib.context", "chalicelib.layout")),
        ("chalicelib.pipeline", ("chalicelib.serving", "chalicelib.snowflake", "chalicelib.api")),
    ],
)
def test_no_arrow_points_against_the_rules(out_of: str, forbidden: tuple[str, ...]) -> None:
    assert graph.arrows(out_of, forbidden) == []


def test_an_arrow_would_be_found() -> None:
    assert ("app", "chalicelib.context.open_context") in graph.arrows("app", ["chalicelib"])


def test_only_one_module_of_chalicelib_makes_clients() -> None:
    assert {name for name, _ in graph.arrows("chalicelib", ["boto3"])} == {"chalicelib.clients"}


def test_importing_the_app_pulls_in_nothing_heavy() -> None:
    heavy = ("boto3", "numpy", "duckdb", "moto", "scipy", "recdrop")
    script = f"import sys, app; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=graph.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
