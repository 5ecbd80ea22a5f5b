from __future__ import annotations

import msgspec
import pytest

from chalicelib.config.sections import Config, Dataset, Source
from chalicelib.vocabulary import metrics
from chalicelib.vocabulary.recipes import RECIPES

CLICKS = Dataset(name="clicks", dataset="interactions", columns={"TIMESTAMP": "clicked_at"})


def test_a_folder_has_its_own_columns_beside_the_sources() -> None:
    source = Source(columns={"USER_ID": "customer_id", "TIMESTAMP": "ordered_at"})
    config = Config(source=source, dataset=(CLICKS,))
    assert config.columns_for("orders") == source.columns
    assert config.columns_for("clicks") == {"USER_ID": "customer_id", "TIMESTAMP": "clicked_at"}


def test_a_folder_is_found_by_its_name() -> None:
    config = Config(dataset=(CLICKS, Dataset(name="catalogue", dataset="items")))
    assert config.folder("clicks") is CLICKS
    assert config.folder("items") is None
    assert config.mapped == {"clicks": "interactions", "catalogue": "items"}


def test_the_defaults_name_rows_that_the_tables_have() -> None:
    for solution in Config().solution:
        assert solution.recipe in RECIPES
        assert solution.gate.metric in metrics.METRICS


def test_a_key_that_does_not_exist_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="colums"):
        msgspec.convert({"colums": {}}, Source)
