"""The set-up is SQL of Snowflake's grammar, in the order of the handshakes, and is taken back whole."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from chalicelib.documents import ArrivalRecord
from chalicelib.intake import keys
from chalicelib.intake.manifests import read_manifest
from chalicelib.snowflake.functions import FUNCTIONS
from recdrop.snowflake import statements
from recdrop.snowflake.parameters import Parameters
from tests.recdrop.snowflake.test_parameters import GIVEN

BARE = Parameters(**GIVEN)
FULL = replace(
    BARE, items="products", item_columns=("price",), users="crm.public.people", warehouse="own_wh"
)
# What sqlglot 30 hands through without a look.
NOT_PARSED = {
    "CREATE ROLE",
    "CREATE TASK",
    "ALTER TASK",
    "CREATE API INTEGRATION",
    "CREATE PIPE",
    "DROP TASK",
    "DROP PIPE",
}


def made(given: Parameters) -> list[str]:
    return [step.sql for step in statements.create(given)]


def kind(sql: str) -> str:
    """`CREATE TASK` of a CREATE [OR REPLACE] TASK [IF NOT EXISTS] name."""
    verb, rest = re.sub(r"OR REPLACE |IF (NOT )?EXISTS |SECURE ", "", sql).split(" ", 1)
    words = rest.split(" ")
    return f"{verb} {' '.join(words[: 2 if words[1].isupper() else 1])}"


@pytest.mark.parametrize("given", [BARE, FULL], ids=["bare", "full"])
def test_every_statement_is_one_of_snowflakes(
    given: Parameters, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    commands = set()
    for sql in [*made(given), *statements.remove(given)]:
        (parsed,) = sqlglot.parse(sql, read="snowflake")
        assert parsed is not None
        if isinstance(parsed, exp.Command):
            commands.add(kind(sql))
    assert commands == NOT_PARSED


def test_the_file_has_as_many_statements_as_there_are_steps() -> None:
    steps = statements.create(FULL)
    text = statements.as_text(steps)
    tokens = sqlglot.tokenize(text, read="snowflake")
    assert sum(token.text == ";" for token in tokens) == len(steps)


def test_functions_are_declared_as_the_registry_has_them() -> None:
    whole = "\n".join(made(BARE))
    for function in FUNCTIONS.values():
        start = f"EXTERNAL FUNCTION shop_db.public.{function.sql_name}("
        (sql,) = [one for one in made(BARE) if start in one]
        parsed = sqlglot.parse_one(sql, read="snowflake")
        assert isinstance(parsed, exp.Create)
        declared = [
            (column.name, column.args["kind"].sql("snowflake"))
            for column in parsed.this.find_all(exp.ColumnDef)
        ]
        names = {"NUMBER": "DECIMAL(38, 0)"}
        assert [name for name, _ in declared] == [one.name for one in function.arguments]
        assert [names.get(of, of) for _, of in declared] == [
            names.get(of, of) for of in function.sql_types
        ]
        assert f"MAX_BATCH_ROWS = {function.max_batch_rows}" in sql
        assert f"COMMENT = '{function.text}'" in sql
        assert "CONTEXT_HEADERS = (CURRENT_ACCOUNT, CURRENT_ROLE)" in sql
        assert "HEADERS = ('group' = 'shop')" in sql
        assert sql.endswith(f"/api/snowflake/{function.name}'")
        exact = f"shop_db.public.{function.sql_name}({', '.join(function.sql_types)})"
        for role in ("admin", "user"):
            assert f"GRANT USAGE ON FUNCTION {exact} TO ROLE recsys_{role}" in whole
        assert f"DROP FUNCTION IF EXISTS {exact}" in statements.remove(BARE)


def test_what_needs_another_comes_after_it() -> None:
    sql = made(FULL)
    order = [
        "CREATE ROLE IF NOT EXISTS recsys_user",
        "CREATE STORAGE INTEGRATION",
        "DESCRIBE INTEGRATION recsys_s3",
        "CREATE FILE FORMAT",
        "CREATE STAGE",
        "CREATE OR REPLACE VIEW shop_db.public.recsys_interactions",
        "CREATE OR REPLACE PROCEDURE",
        "CREATE TASK",
        "CREATE API INTEGRATION",
        "DESCRIBE INTEGRATION recsys_api",
        "CREATE OR REPLACE SECURE EXTERNAL FUNCTION",
        "CREATE PIPE",
        "CREATE OR REPLACE VIEW shop_db.public.recsys_recommendations",
    ]
    places = [next(n for n, one in enumerate(sql) if one.startswith(start)) for start in order]
    assert places == sorted(places)
    # A new integration has a new external id, and the trust of the role is void.
    assert not any("REPLACE" in one for one in sql if "INTEGRATION IF" in one)


@pytest.mark.parametrize("given", [BARE, FULL], ids=["bare", "full"])
def test_the_removal_drops_what_was_made_the_newest_first(given: Parameters) -> None:
    def created(sql: str) -> str | None:
        found = re.match(
            r"CREATE (?:OR REPLACE )?(?:SECURE |EXTERNAL |STORAGE |API )*"
            r"[A-Z ]*? ?(?:IF NOT EXISTS )?([a-z][\w.]*)",
            sql,
        )
        return found[1] if found else None

    names = [name for one in made(given) if (name := created(one))]
    dropped = [re.sub(r"\(.*", "", one).rpartition(" ")[2] for one in statements.remove(given)]
    assert dropped == names[::-1]


def test_a_warehouse_of_the_users_is_neither_made_nor_dropped() -> None:
    whole = "\n".join([*made(FULL), *statements.remove(FULL)])
    assert "CREATE WAREHOUSE" not in whole
    assert "DROP WAREHOUSE" not in whole
    assert "GRANT USAGE ON WAREHOUSE own_wh" in whole
    assert "DROP WAREHOUSE IF EXISTS recsys_wh" in statements.remove(BARE)


def test_the_manifest_is_written_last_and_the_intake_reads_it() -> None:
    (body,) = [one for one in made(FULL) if "PROCEDURE" in one and "$$" in one]
    copies = re.findall(r"COPY INTO @shop_db\.public\.recsys_drop/(\w+)/", body)
    assert copies == ["interactions", "items", "users", "manifests"]
    prefixes = dict(re.findall(r"SELECT :run, '(\w+)', '([\w/]+)' \|\| :run", body))
    listed = {
        dataset: [{"name": f"{prefix}run/data_q_0_0_0.csv.gz", "size": "7", "rows": "1"}]
        for dataset, prefix in prefixes.items()
    }
    document = {"version": 1, "mode": "FULL", "datasets": listed}
    arrival = keys.recognise(
        ArrivalRecord(key="shop/manifests/run.json", etag="e", size=1, arrived=0.0), {}
    )
    assert arrival.role == "manifest"
    manifest = read_manifest(arrival, json.dumps(document).encode(), "drop-bucket", {})
    assert manifest.datasets.keys() == {"interactions", "items", "users"}
    for dataset, files in manifest.datasets.items():
        data = keys.recognise(ArrivalRecord(key=files[0].key, etag="e", size=1, arrived=0.0), {})
        assert (data.role, data.dataset) == ("data", dataset)


@pytest.mark.parametrize("text", ["it's", "a\\", "\\' --", "fine"])
def test_a_text_cannot_leave_its_quotes(text: str) -> None:
    found = sqlglot.parse_one(f"SELECT '{statements.literal(text)}'", read="snowflake")
    assert [one.this for one in found.find_all(exp.Literal)] == [text]
