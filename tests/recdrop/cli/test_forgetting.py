"""What is left of our files when users are forgotten."""

from __future__ import annotations

import gzip
import json

import pytest

from recdrop.cli.forget import Forgotten, to_do, user_list
from recdrop.cli.forgetting import FORGOTTEN, mentions, without

USERS = frozenset({"u1", "7"})


def left(key: str, text: str) -> tuple[str, int] | None:
    found = without(key, text.encode(), USERS)
    return None if found is None else (found.body.decode(), found.gone)


def test_rows_of_a_user_leave_a_csv_and_an_item_of_the_same_id_stays() -> None:
    text = 'USER_ID,ITEM_ID,NAME\nu1,a,x\nu10,u1,"b, ""c"""\n7,a,x\nu2,7,"two\nlines"\n'
    kept = 'USER_ID,ITEM_ID,NAME\nu10,u1,"b, ""c"""\nu2,7,"two\nlines"\n'
    assert left("clean/shop/interactions/r/part-00000.csv", text) == (kept, 2)
    assert left("runs/r/withheld.csv", kept) is None
    assert left("clean/shop/items/r/part-00000.csv", "ITEM_ID\nu1\n") is None
    assert left("runs/r/withheld.csv", "") is None


@pytest.mark.parametrize(
    "key", ["runs/r/score/s/queries.json", "runs/r/batch/users.json", "results/shop/s/r/users.out"]
)
def test_lines_about_a_user_leave_the_questions_and_answers_of_a_batch(key: str) -> None:
    lines = [
        {"userId": "u1"},
        {"input": {"userId": 7}, "output": {"recommendedItems": ["a"]}},
        {"input": {"userId": "u2"}, "output": {"recommendedItems": ["u1", "7"]}},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert left(key, text) == (json.dumps(lines[2]) + "\n", 2)


def test_users_leave_segments_whose_items_stay() -> None:
    line = {"input": {"itemId": "u1"}, "output": {"recommendedUsers": ["u1", "u2"]}}
    kept = {"input": {"itemId": "u1"}, "output": {"recommendedUsers": ["u2"]}}
    assert left("results/shop/fans/r/fans.json.out", json.dumps(line) + "\n") == (
        json.dumps(kept) + "\n",
        1,
    )
    segment = json.dumps({"version": 1, "users": ["u2", "u1"]})
    assert left("segments/shop/fans/r/00000.json", segment) == (
        '{"version": 1, "users": ["u2"]}',
        1,
    )


def test_a_refused_row_that_names_a_user_leaves_quarantine() -> None:
    rows = [
        {"line": 7, "reason": "time", "text": "u1;a;yesterday"},
        {"line": 2, "text": "u10;a;u1x"},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    key = "quarantine/shop/r/interactions-00000.jsonl"
    assert left(key, text) == (json.dumps(rows[1]) + "\n", 1)


def test_users_leave_the_list_of_users_the_data_report_and_the_samples() -> None:
    assert left("runs/r/users.json", '["u1", "u2"]') == ('["u2"]', 1)
    report = {
        "last_items": {"u1": "a", "u2": "b"},
        "report": {"findings": [{"samples": ["u1,a", "u10"], "sentence": "7 rows"}]},
        "popular": "popular/u1.json",
    }
    found = left("runs/r/data.json", json.dumps(report))
    assert found is not None
    scrubbed = json.loads(found[0])
    assert found[1] == 2
    assert scrubbed["last_items"] == {"u2": "b"}
    assert scrubbed["report"]["findings"] == [
        {"samples": [f"{FORGOTTEN},a", "u10"], "sentence": "7 rows"}
    ]
    assert scrubbed["popular"] == "popular/u1.json"


def test_what_holds_none_of_them_is_left_alone() -> None:
    for key in ("runs/r/report.html", "runs/r/recdrop.toml", "runs/r/report.json"):
        assert left(key, '{"run": "u1"}') is None


def test_a_damaged_file_of_ours_is_not_taken_for_a_clean_one() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        without("runs/r/users.json", b"[", USERS)


def test_dropped_files_are_searched_and_what_cannot_be_is_said() -> None:
    assert mentions(b"user;item\nu1;a\n", USERS) is True
    assert mentions(gzip.compress(b'{"user_id": "u1"}'), USERS) is True
    assert mentions(b"user;item\nu10;a\nxu1;b-7\n", USERS) is False
    assert mentions(b"PAR1\xff\xfe", USERS) is None
    assert mentions(b"\x1f\x8bcut", USERS) is None


def test_the_list_of_users_is_what_personalize_reads() -> None:
    assert user_list(['a "b", c', "u1"]) == 'USER_ID\n"a ""b"", c"\nu1\n'


def test_what_is_left_to_do_names_the_source_and_the_bucket() -> None:
    assert len(to_do(Forgotten("shop", 1), "drop")) == 2
    named = to_do(Forgotten("shop", 1, dropped=["shop/interactions/a.csv"]), "drop")
    assert "at the source" in named[0]
    assert "s3://drop" in named[1]
