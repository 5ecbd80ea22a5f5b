from __future__ import annotations

import pytest

from chalicelib.config.sections import Recommender
from chalicelib.normalise.errors import SetRejected
from chalicelib.normalise.export.use_cases import require_events

BOUGHT = Recommender(name="together", use_case="aws-ecomm-frequently-bought-together")
VIEWED = Recommender(name="viewed", use_case="aws-ecomm-popular-items-by-views")


def test_enough_events_of_each_type_in_any_case() -> None:
    require_events([BOUGHT, VIEWED], {"view": 600, "View": 400, "PURCHASE": 1_000})
    require_events([], {})


def test_what_lacks_events_is_named_with_what_there_is() -> None:
    with pytest.raises(SetRejected) as caught:
        require_events([BOUGHT, VIEWED], {"View": 5_000, "Purchase": 999})
    assert str(caught.value) == (
        "recommender 'together' (aws-ecomm-frequently-bought-together) learns from events of type "
        "'Purchase', of which there are 999. Expected at least 1,000. "
        "The export has Purchase (999), View (5,000)."
    )
