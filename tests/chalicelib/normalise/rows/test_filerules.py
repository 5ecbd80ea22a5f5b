from __future__ import annotations

from chalicelib.config import loading
from chalicelib.normalise.rows.filerules import FileRules
from chalicelib.sources import segment

CONFIG = """
[source]
header = ["a", "b"]
timezone = "Europe/Berlin"
columns = { USER_ID = "who" }

[[dataset]]
name = "interactions"
dataset = "interactions"
events = ["buy"]
drop_columns = ["note"]

[[solution]]
name = "one"
recipe = "aws-user-personalization-v2"
gate = { withhold = 0.1 }

[[solution]]
name = "two"
recipe = "aws-sims"
gate = { withhold = 0.2 }
"""


def rules(folder: str, config: str = CONFIG) -> FileRules:
    return FileRules.from_config(loading.load(config, "shop"), folder)


def test_a_folders_files_are_read_as_its_section_and_the_source_say() -> None:
    found = rules("interactions")
    assert (found.header, found.timezone) == (("a", "b"), "Europe/Berlin")
    assert (found.events, found.drop_columns) == (("buy",), ("note",))
    assert found.columns == {"USER_ID": "who"}
    assert not found.item_events_only


def test_another_folder_has_the_sources_words_only() -> None:
    found = rules("items")
    assert (found.events, found.drop_columns) == ((), ())
    assert found.columns == {"USER_ID": "who"}


def test_the_solution_that_withholds_most_decides_the_share() -> None:
    assert rules("interactions").withhold == 0.2


def test_segments_logs_have_their_fields_unless_the_config_says_otherwise() -> None:
    found = rules("segment-logs")
    assert found.columns == {**segment.ADAPTER.columns, "USER_ID": "who"}
    assert found.item_events_only
