"""`recdrop snowflake sql` on the command line."""

from __future__ import annotations

import json

import pytest

from recdrop.cli.main import main
from tests.recdrop.snowflake.test_parameters import GIVEN

OPTIONS = [part for name, value in GIVEN.items() for part in (f"--{name.replace('_', '-')}", value)]


def test_the_set_up_and_its_removal_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snowflake", "sql", *OPTIONS]) == 0
    made = capsys.readouterr().out
    assert made.startswith("-- ")
    assert "CREATE OR REPLACE SECURE EXTERNAL FUNCTION shop_db.public.recommend(" in made
    assert main(["snowflake", "sql", *OPTIONS, "--drop", "--json"]) == 0
    dropped = json.loads(capsys.readouterr().out)["statements"]
    assert dropped[-1] == "DROP ROLE IF EXISTS recsys_admin"
    assert all(one.startswith("DROP ") for one in dropped)


def test_a_bad_identifier_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snowflake", "sql", *OPTIONS, "--prefix", "a; DROP DATABASE x"]) == 2
    captured = capsys.readouterr()
    assert "Option '--prefix' has value 'a; DROP DATABASE x'" in captured.err
    assert captured.out == ""
