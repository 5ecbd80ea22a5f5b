"""Streamed events and records, as tables of the store.

`kind` of an event is `interaction` or `action`. A record is an item, user or action of a dataset; only
the last of each id is kept, and `seq` says when it came.
"""

TABLES = """
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, grp TEXT, user_id TEXT, session_id TEXT,
    item_id TEXT, event_type TEXT, event_value REAL, timestamp REAL, event_id TEXT,
    recommendation_id TEXT, impression TEXT, properties TEXT, source TEXT, kind TEXT);
CREATE INDEX IF NOT EXISTS events_of_user ON events (grp, kind, user_id, id);
CREATE INDEX IF NOT EXISTS events_of_session ON events (grp, kind, session_id, id);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (grp, kind, event_id) WHERE event_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS records (dataset TEXT, record_id TEXT, seq INTEGER, properties TEXT,
    PRIMARY KEY (dataset, record_id));
CREATE INDEX IF NOT EXISTS records_by_seq ON records (dataset, seq);
"""
