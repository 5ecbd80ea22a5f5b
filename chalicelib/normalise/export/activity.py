"""How the interactions of an export are spread over days, users and items, and what is odd about it.

No rule of Personalize forbids what is found here; experience has taught to look at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.documents import Activity, Finding
from chalicelib.normalise import engine
from chalicelib.normalise.engine import fetch_row, literal, name
from chalicelib.normalise.export.minimums import UserCounts
from chalicelib.normalise.rows.clean import clean_source, read_header

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_DAYS = 366  # beyond them, steps of several days
MUCH = 0.3  # of all events by one user, or with one item
MANY_A_DAY = 1_000  # events that no person makes
_DAY = 86_400
_SHOWN = 3
# Lines of an order that are no product, as shops and UCI Online Retail write them.
_NO_PRODUCT = (
    r"POST(AGE)?|DOT(COM( POSTAGE)?)?|CARRIAGE|FREIGHT|SHIPPING.*|DELIVERY.*|BANK ?CHARGES|"
    r"AMAZON ?FEE|FEES?|TAX|VAT|MANUAL|ADJUST.*|DISCOUNT.*|COUPON.*|VOUCHER.*|"
    r"GIFT ?(CARD|VOUCHER|WRAP).*|TIPS?|DEPOSIT|DONATION|SAMPLES?|TEST.*|CRUK|PADS|C2|[MDSB]"
)
_BACK = r".*(refund|return|cancel|chargeback|void).*"
_AMOUNTS = ("QUANTITY", "QTY", "AMOUNT", "LINEITEM_QUANTITY", "EVENT_VALUE")
_ORDERS = ("INVOICENO", "INVOICE", "INVOICE_NO", "INVOICE_ID", "ORDER_ID", "ORDERNO")
_STATES = ("EVENT_TYPE", "STATUS", "ORDER_STATUS", "FINANCIAL_STATUS")


def measure(
    clean: Mapping[str, Sequence[Path]], scratch: Path, memory_mb: int = engine.MEMORY_MB
) -> tuple[Activity | None, tuple[Finding, ...]]:
    """The activity in the clean files, by dataset, and what to look at; None without interactions."""
    interactions = clean.get("interactions")
    if not interactions:
        return None, ()
    columns = read_header(interactions[0])
    with engine.connect(scratch, memory_mb=memory_mb) as connection:
        source = clean_source(interactions)
        _load(connection, source)
        (users,) = fetch_row(connection, "SELECT count(*) FROM by_user")
        if not users:
            return None, ()
        activity = _activity(connection, source, clean.get("items", ()))
        findings = (
            *_dominant(connection, activity.rows),
            *_bots(connection),
            *_no_products(connection, activity.rows),
            *_returns(connection, source, columns, activity.rows),
        )
    return activity, findings


def user_counts(activity: Activity | None) -> UserCounts:
    """Exact counts over all files, for the minimums."""
    if activity is None:
        return UserCounts(0, 0)
    return UserCounts(activity.users, sum(activity.per_user[1:]), activity.items)


def _load(connection: DuckDBPyConnection, source: str) -> None:
    """Tables of counts n: `by_day` (USER_ID, day), `by_user`, `by_item`."""
    connection.execute(
        f"CREATE TABLE by_day AS SELECT USER_ID, TIMESTAMP // {_DAY} AS day, count(*) AS n "
        f"FROM {source} GROUP BY ALL"
    )
    connection.execute(
        "CREATE TABLE by_user AS SELECT USER_ID, CAST(sum(n) AS BIGINT) AS n FROM by_day GROUP BY 1"
    )
    connection.execute(
        f"CREATE TABLE by_item AS SELECT ITEM_ID, count(*) AS n FROM {source} GROUP BY 1"
    )


def _activity(connection: DuckDBPyConnection, source: str, items: Sequence[Path]) -> Activity:
    users, rows = fetch_row(connection, "SELECT count(*), sum(n) FROM by_user")
    (sold,) = fetch_row(connection, "SELECT count(*) FROM by_item")
    (pairs,) = fetch_row(
        connection,
        f"SELECT count(*) FROM (SELECT hash(USER_ID, ITEM_ID) AS pair FROM {source} GROUP BY 1)",
    )
    first, last = fetch_row(connection, "SELECT min(day), max(day) FROM by_day")
    step = -(-(last - first + 1) // MAX_DAYS)
    days = connection.execute(
        f"SELECT {first} + (day - {first}) // {step} * {step} AS start, CAST(sum(n) AS BIGINT) "
        "FROM by_day GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return Activity(
        rows=int(rows),
        users=users,
        items=sold,
        step=step,
        days=tuple((int(day), int(n)) for day, n in days),
        per_user=_powers(connection, "by_user"),
        per_item=_powers(connection, "by_item"),
        repeats=round(1 - pairs / rows, 6),
        cold_items=_cold(connection, items),
    )


def _powers(connection: DuckDBPyConnection, table: str) -> tuple[int, ...]:
    """How many have one event, two or three, four to seven, and so on."""
    found = connection.execute(
        f"SELECT CAST(floor(log2(n)) AS INTEGER) AS power, count(*) FROM {table} GROUP BY 1"
    ).fetchall()
    counts = dict(found)
    return tuple(counts.get(power, 0) for power in range(max(counts) + 1))


def _cold(connection: DuckDBPyConnection, items: Sequence[Path]) -> int:
    """Items of the catalogue without an event."""
    if not items:
        return 0
    (cold,) = fetch_row(
        connection,
        f"SELECT count(DISTINCT ITEM_ID) FROM {clean_source(items)} "
        "WHERE ITEM_ID NOT IN (SELECT ITEM_ID FROM by_item)",
    )
    return int(cold)


# -- what is odd -----------------------------------------------------------------------------------


def _dominant(connection: DuckDBPyConnection, rows: int) -> Iterator[Finding]:
    for table, key, action in (
        ("by_user", "USER_ID", "is it a guest account, a test, or a key that a join has lost?"),
        ("by_item", "ITEM_ID", "does it stand for no item, or has a join lost its key?"),
    ):
        one, n = fetch_row(
            connection, f"SELECT {key}, n FROM {table} ORDER BY n DESC, {key} LIMIT 1"
        )
        if n >= MUCH * rows:
            told = f"{key} {one!r} has {n / rows:.0%} of all interactions"
            code = f"dominant-{key.removesuffix('_ID').lower()}"
            yield Finding("warning", code, told, n, round(n / rows, 6), action)


def _bots(connection: DuckDBPyConnection) -> Iterator[Finding]:
    found = connection.execute(
        f"SELECT USER_ID, max(n) AS most, sum(sum(n)) OVER () FROM by_day WHERE n > {MANY_A_DAY} "
        "GROUP BY 1 ORDER BY most DESC, 1"
    ).fetchall()
    if found:
        samples = tuple(f"{user!r}: {most:,} on a day" for user, most, _ in found[:_SHOWN])
        who = "1 user has" if len(found) == 1 else f"{len(found):,} users have"
        told = f"{who} more than {MANY_A_DAY:,} interactions on a day"
        action = "leave bots, tests and staff out: they teach what no customer does"
        yield Finding("warning", "bots", told, int(found[0][2]), action=action, samples=samples)


def _no_products(connection: DuckDBPyConnection, rows: int) -> Iterator[Finding]:
    # Single letters are ids like others where ids are short.
    found = connection.execute(
        f"SELECT ITEM_ID, n FROM by_item WHERE regexp_full_match(upper(trim(ITEM_ID)), "
        f"{literal(_NO_PRODUCT)}) AND (SELECT avg(length(ITEM_ID)) FROM by_item) >= 3 "
        "ORDER BY n DESC, 1"
    ).fetchall()
    if found:
        total = sum(n for _, n in found)
        look = "1 ITEM_ID looks" if len(found) == 1 else f"{len(found):,} ITEM_ID look"
        told = f"{look} like no product: postage, fees, corrections"
        samples = tuple(f"{item!r}: {n:,} rows" for item, n in found[:_SHOWN])
        action = "leave them out of the export, or filter them: people would be recommended postage"
        share = round(total / rows, 6)
        yield Finding("warning", "no-products", told, total, share, action, samples)


def _returns(
    connection: DuckDBPyConnection, source: str, columns: Sequence[str], rows: int
) -> Iterator[Finding]:
    tests = {
        **{c: f"TRY_CAST({name(c)} AS DOUBLE) < 0" for c in _AMOUNTS if c in columns},
        **{c: rf"regexp_full_match({name(c)}, 'C\d+')" for c in _ORDERS if c in columns},
        **{
            c: f"regexp_full_match(lower({name(c)}), {literal(_BACK)})"
            for c in _STATES
            if c in columns
        },
    }
    if not tests:
        return
    counts = ", ".join(f"count(*) FILTER ({test})" for test in tests.values())
    any_of = f"count(*) FILTER ({' OR '.join(tests.values())})"
    total, *found = fetch_row(connection, f"SELECT {any_of}, {counts} FROM {source}")
    # An order number with a C in front tells cancellations only among others without.
    if total and total < 0.5 * rows:
        where = tuple(f"{c}: {n:,} rows" for c, n in zip(tests, found, strict=True) if n)
        told = f"{total:,} interactions look like returns or cancellations"
        action = "leave them out, or give them an event type of their own with a weight of 0"
        yield Finding("warning", "returns", told, total, round(total / rows, 6), action, where)
