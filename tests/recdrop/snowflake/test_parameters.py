"""What may stand in the SQL, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from recdrop.snowflake.parameters import ParameterError, Parameters

GIVEN: dict[str, Any] = {
    "group": "shop",
    "api_url": "https://abc.execute-api.us-east-1.amazonaws.com/api",
    "storage_role": "arn:aws:iam::111122223333:role/recsys-storage",
    "api_role": "arn:aws:iam::111122223333:role/recsys-api",
    "drop_bucket": "drop-bucket",
    "work_bucket": "work-bucket",
    "schema": "shop_db.public",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("group", "a'b"),
        ("group", "g" * 64),
        ("group", ""),
        ("api_url", "http://abc/api"),
        ("api_url", "https://abc/api'"),
        ("api_url", "https://abc/api/"),
        ("storage_role", "arn:aws:iam::1:role/x"),
        ("api_role", "arn:aws:iam::111122223333:user/x"),
        ("drop_bucket", "Drop"),
        ("work_bucket", "b'; DROP"),
        ("schema", "public"),
        ("schema", "a.b.c"),
        ("schema", "a.b; DROP TABLE x"),
        ("prefix", "1a"),
        ("prefix", "a-b"),
        ("prefix", "select"),
        ("prefix", "a\n"),
        ("prefix", "é"),
        ("warehouse", "my wh"),
        ("interactions", "a..b"),
        ("interactions", "a.b.c.d"),
        ("items", "x--"),
        ("item_columns", ("fine", "1; SELECT")),
        ("user_columns", ("table",)),
    ],
)
def test_a_name_that_may_not_stand_in_sql_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameters(**{**GIVEN, name: value})
    option = (
        name.replace("_", "-").removesuffix("s") if "columns" in name else name.replace("_", "-")
    )
    assert str(caught.value).startswith(f"Option '--{option}' has value ")
    assert "Expected" in str(caught.value)


def test_a_table_without_schema_is_of_the_schema() -> None:
    given = Parameters(**GIVEN)
    assert given.table("events") == "shop_db.public.events"
    assert given.table("raw.web.events") == "raw.web.events"
    assert given.used_warehouse == "recsys_wh"
