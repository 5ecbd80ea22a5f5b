"""Each example config reads what its tool writes: a small export, laid out as the tool would."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recdrop.checking.exports import FIRST, checked, rows, write

EXAMPLES = Path(__file__).parents[3] / "examples"
OWN = "user_id,item_id,timestamp,event_type"
PART = "part-0000{}-tid-5196563791502273604-c2233d6c-4a82-4d2f-8a9d-6b6f5a1f7a52-{}-1-c000.csv"
ECOMMERCE = "snowplow_recommendations_ecommerce"
MEDIA = "snowplow_recommendations_media"


def event(n: int) -> str:
    return f"u{n % 60},i{n * 7 % 40},{FIRST + n * 60},{'Purchase' if n % 5 == 0 else 'View'}"


def later(n: int) -> str:
    return event(n + 5000)


def items(header: str) -> str:
    lines = [f"i{n},{n}.99,Tea|Green" for n in range(40)]
    return "\n".join([header, *lines]) + "\n"


def call(n: int) -> str:
    user, sku, kind = f"u{n % 60}", f"i{n * 7 % 40}", ("Product Added", "Product Clicked")[n % 2]
    return (
        f'{{"messageId": "m{n}", "anonymousId": "a", "type": "track", "userId": "{user}", '
        f'"event": "{kind}", "properties": {{"sku": "{sku}"}}, "receivedAt": "x", '
        f'"timestamp": "2024-01-01T10:{n % 59:02}:{n // 59:02}.000Z"}}'
    )


EXPORTS: dict[str, dict[str, str | bytes]] = {
    "movielens-snowflake": {
        "ratings/data_0_0_0.csv.gz": rows(
            "userId,movieId,rating,timestamp",
            lambda n: f"{n % 60},{n * 7 % 40},{n % 5 + 1}.0,{FIRST + n}",
        ),
        "movies/data_0_0_0.csv.gz": "movieId,title,genres\n"
        + "".join(f'{n},"Film, The {n}",Drama|War\n' for n in range(40)),
    },
    "online-retail": {
        "user-interactions/user-interactions.csv": rows(
            "INVOICENO,ITEM_ID,DESCRIPTION,QUANTITY,TIMESTAMP,UNITPRICE,USER_ID,EVENT_TYPE,COUNTRY",
            lambda n: f"{n},i{n % 40},TEA,1,{FIRST + n},2.55,u{n % 60},purchase,France",
        ),
        "items/item.csv": "ITEM_ID,NAME\n" + "".join(f"i{n},TEA {n} \n" for n in range(40)),
        "users/users_parsed.csv": "USER_ID,AGE,SEX\n"
        + "".join(f"u{n},{20 + n},F\n" for n in range(60)),
    },
    "segment": {"segment-logs/src/1550361600000/a.gz": "\n".join(map(call, range(2000))) + "\n"},
    "snowplow-databricks": {
        f"{ECOMMERCE}_interactions/{PART.format(0, 6)}": rows(OWN, event),
        f"{ECOMMERCE}_interactions/{PART.format(1, 7)}": rows(OWN, later),
        f"{ECOMMERCE}_interactions/_SUCCESS": "",
        f"{ECOMMERCE}_items/{PART.format(0, 6)}": items("item_id,price,category_l1"),
        f"{ECOMMERCE}_items/_SUCCESS": "",
    },
    "snowplow-media": {
        f"{MEDIA}_interactions/{PART.format(0, 6)}": rows(
            OWN, lambda n: event(n).rpartition(",")[0] + ",Watch"
        ),
        f"{MEDIA}_interactions/_SUCCESS": "",
        f"{MEDIA}_items/{PART.format(0, 6)}": "item_id,genres,creation_timestamp\n"
        + "".join(f"i{n},Drama|War,{FIRST + n}\n" for n in range(40)),
        f"{MEDIA}_items/_SUCCESS": "",
    },
    "snowplow-snowflake": {
        f"{ECOMMERCE}_interactions/personalize-dataset.csv": rows(OWN.upper(), event),
        f"{ECOMMERCE}_interactions/personalize-dataset.parquet": b"PAR1 and so on",
        f"{ECOMMERCE}_items/personalize-dataset.csv": items("ITEM_ID,PRICE,CATEGORY_L1"),
        f"{ECOMMERCE}_users/personalize-dataset.csv": "USER_ID,ECOMMERCE_USER_IS_GUEST\n"
        + "".join(f"u{n},{'true' if n % 3 else 'false'}\n" for n in range(60)),
    },
}


@pytest.mark.parametrize(
    "name", sorted(path.parent.name for path in EXAMPLES.glob("*/recdrop.toml"))
)
def test_an_example_reads_what_its_tool_writes(tmp_path: Path, name: str) -> None:
    config = (EXAMPLES / name / "recdrop.toml").read_text()
    found = checked(write(tmp_path / "x", EXPORTS[name]), config)
    assert found.is_usable, found.reason
    assert found.recognised.adapter.name in [*name.split("-"), "plain"]
    assert not [finding for finding in found.judged.findings if finding.severity == "error"]
