"""docs/sql.md, from the registry. `python -m recdrop.snowflake.page` writes it."""

from __future__ import annotations

from pathlib import Path

from chalicelib.snowflake.functions import FUNCTIONS, Function

PAGE = Path(__file__).parents[2] / "docs" / "sql.md"
HEAD = """# SQL functions

Made from the registry in `chalicelib/snowflake/functions.py` by `python -m recdrop.snowflake.page`.
`recdrop snowflake sql` prints the set-up, with `--drop` its removal. Nothing of it was run on a real
account; tests read it with sqlglot's grammar of Snowflake, as far as that goes.

Arguments cannot be left out in Snowflake: write `NULL`. Call the functions with their schema
(`db.schema.rank(...)`): Snowflake has a `RANK` of its own. A wrong argument is a value
`{"error": {"code", "message"}}` in its row, or, with `HEADERS = ('errors' = 'fail')`, fails the query.

`recdrop efcheck URL --row '["u1", 3, null]'` checks any external function, ours or yours, against
Snowflake's protocol over HTTP. It sends real batches of that row: a function with effects has them.
Not checked from outside: throttling, deadlines, crashes of workers, expiry, and who may call (10, 19,
21, 22, 29 to 37 of the rules), effects happening once, and numbers of 38 digits (7).
"""


def text() -> str:
    """The whole page."""
    return HEAD + "".join(_section(function) for function in FUNCTIONS.values())


def _section(function: Function) -> str:
    arguments = ", ".join(f"{one.name} {one.sql_type}" for one in function.arguments)
    rows = "".join(
        f"| `{one.name}` | {one.sql_type} | {one.text} | {_null(one.is_subject)} |\n"
        for one in function.arguments
    )
    return (
        f"\n## {function.sql_name}\n\n    {function.sql_name}({arguments}) RETURNS {function.returns}\n\n"
        f"{function.text} {function.null_rule}, {function.volatility}, effect: {function.effect}; "
        f"MAX_BATCH_ROWS {function.max_batch_rows}; route `/snowflake/{function.name}`.\n\n"
        f"| argument | type | | NULL |\n|---|---|---|---|\n{rows}"
    )


def _null(is_subject: bool) -> str:
    return "the value is NULL" if is_subject else "the default"


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
