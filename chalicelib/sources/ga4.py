"""Google Analytics 4 as its BigQuery export has it: a row an event, items nested in it.

Tables are `events_<day>`. Times are microseconds. `user_id` is filled for users who are logged in
only; `user_pseudo_id` is the browser or the app.
"""

from __future__ import annotations

from chalicelib.sources.adapter import Adapter, Sign

ADAPTER = Adapter(
    "ga4",
    "the BigQuery export of Google Analytics 4",
    signs=(
        Sign(
            "a table of Analytics events",
            columns=frozenset({"user_pseudo_id", "event_name", "event_timestamp"}),
        ),
    ),
    data="append",
    columns={
        "USER_ID": "user_pseudo_id",
        "ITEM_ID": "items.item_id",
        "TIMESTAMP": "event_timestamp",
        "EVENT_TYPE": "event_name",
    },
    advice="an event counts once for each of its items; events without an item are left out without "
    'being counted as faults. Users are browsers and apps: USER_ID = "user_id" takes logged-in users only',
)
