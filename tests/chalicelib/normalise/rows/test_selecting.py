from __future__ import annotations

import duckdb

from chalicelib.normalise.rows.rules import Drop, Fix, RowRules
from chalicelib.normalise.rows.selecting import FIXES_PER_COLUMN, fix_test, write_select

SOURCE = "(VALUES ('1', 'a', 7), ('x', 'b', 8), ('-1', 'c', 9)) AS v(_c0, _c1, _line)"
RULES = RowRules(
    inner=(("_b0", "TRY_CAST(_c0 AS BIGINT)"),),
    numbers=(("_n0", "_b0 * 2"),),
    values=(("DOUBLE", "_n0"), ("NAME", "upper(_c1)")),
    drops=(Drop("none", "is none", "_n0 IS NULL"), Drop("low", "is low", "coalesce(_n0, 0) <= 0")),
    fixes=(Fix("capital", "made a capital", "_c1 <> upper(_c1)"),),
)


def test_a_row_has_its_clean_values_and_the_first_reason_to_drop_it() -> None:
    sql = write_select(RULES, SOURCE, ["NAME"], ["_line"])
    rows = duckdb.execute(
        f"SELECT _why, _line, DOUBLE, NAME FROM ({sql}) ORDER BY _line"
    ).fetchall()
    assert rows == [(0, 7, 2, "A"), (1, 8, None, "B"), (2, 9, -2, "C")]


def test_rows_with_the_same_key_have_the_same_hash() -> None:
    source = "(VALUES ('1', 'a'), ('2', 'A'), ('1', 'b')) AS v(_c0, _c1)"
    hashes = duckdb.execute(
        f"SELECT _hashed FROM ({write_select(RULES, source, ['NAME'])})"
    ).fetchall()
    assert hashes[0] == hashes[1] != hashes[2]


def test_each_of_many_fixes_is_told_apart() -> None:
    fixes = tuple(Fix("is", "is", f"_c0 = '{n}'") for n in range(2 * FIXES_PER_COLUMN + 1))
    rules = RowRules(inner=(), numbers=(), values=(("N", "_c0"),), drops=(), fixes=fixes)
    source = f"(SELECT range::VARCHAR AS _c0 FROM range({len(fixes)}))"
    sql = write_select(rules, source, ["N"])
    for index in range(len(fixes)):
        found = duckdb.execute(f"SELECT N, _why FROM ({sql}) WHERE {fix_test(index)}").fetchall()
        assert found == [(str(index), 0)]
