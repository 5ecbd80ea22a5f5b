"""Dataset kinds: all that is known of each, one row a kind.

Source: Personalize's guide, "Schemas" and "Quotas", as of 2025-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IDS = ("USER_ID", "ITEM_ID", "ACTION_ID")
TIMES = ("TIMESTAMP", "CREATION_TIMESTAMP", "ACTION_EXPIRATION_TIMESTAMP")
# Avro types of Personalize's own columns; all others of them are strings.
TYPES: Mapping[str, str] = {
    **dict.fromkeys(TIMES, "long"),
    "REPEAT_FREQUENCY": "long",
    "VALUE": "double",
    "EVENT_VALUE": "float",
}
# Columns of items that a domain's schema takes as numbers only.
DOMAIN_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "ECOMMERCE": ("PRICE",),
    "VIDEO_ON_DEMAND": ("PRICE", "DURATION", "AVERAGE_RATING"),
}


@dataclass(frozen=True)
class Dataset:
    """`name` is ours, `wire` is `datasetType` in the API, `record` the name in its Avro schema.

    `required` columns must be in every export; `reserved` ones are Personalize's own where they are.
    `key` is the column by which a row replaces an earlier one; event-like kinds have none.
    `max_metadata` bounds the columns besides both; `domain_required` are further columns by domain.
    `grows` says whether the schema of a dataset may get further columns later.
    `folders` are other names under which seed systems export the kind.
    """

    name: str
    record: str
    required: tuple[str, ...]
    reserved: tuple[str, ...] = ()
    key: str | None = None
    max_metadata: int = 0
    domain_required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grows: bool = False
    folders: tuple[str, ...] = ()

    @property
    def own(self) -> tuple[str, ...]:
        """All columns that mean something to Personalize; others are metadata."""
        return (*self.required, *self.reserved)

    @property
    def wire(self) -> str:
        """`action_interactions` as `Action_Interactions`, as CreateDataset wants it."""
        return "_".join(part.capitalize() for part in self.name.split("_"))


_ROWS = (
    Dataset(
        "interactions",
        "Interactions",
        required=("USER_ID", "ITEM_ID", "TIMESTAMP"),
        reserved=(
            "EVENT_TYPE",
            "EVENT_VALUE",
            "IMPRESSION",
            "RECOMMENDATION_ID",
            "EVENT_ATTRIBUTION_SOURCE",
        ),
        max_metadata=5,
        domain_required={"ECOMMERCE": ("EVENT_TYPE",), "VIDEO_ON_DEMAND": ("EVENT_TYPE",)},
        # Segment's raw logs, and the output of the workshop's Glue job.
        folders=("segment-logs", "transformed"),
    ),
    Dataset(
        "items",
        "Items",
        required=("ITEM_ID",),
        reserved=("CREATION_TIMESTAMP",),
        key="ITEM_ID",
        grows=True,
        max_metadata=100,
        domain_required={
            "ECOMMERCE": ("PRICE", "CATEGORY_L1"),
            "VIDEO_ON_DEMAND": ("GENRES", "CREATION_TIMESTAMP"),
        },
    ),
    Dataset("users", "Users", required=("USER_ID",), key="USER_ID", max_metadata=25, grows=True),
    Dataset(
        "actions",
        "Actions",
        required=("ACTION_ID",),
        reserved=(
            "CREATION_TIMESTAMP",
            "ACTION_EXPIRATION_TIMESTAMP",
            "REPEAT_FREQUENCY",
            "VALUE",
        ),
        key="ACTION_ID",
        max_metadata=10,
    ),
    Dataset(
        "action_interactions",
        "ActionInteractions",
        required=("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP"),
        reserved=("RECOMMENDATION_ID", "IMPRESSION"),
    ),
)
DATASETS: Mapping[str, Dataset] = {row.name: row for row in _ROWS}
