"""A column of the data as a field of Personalize's schema: its type, and how it is to be read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.documents import ColumnReport
from chalicelib.vocabulary.datasets import DOMAIN_NUMBERS, TYPES, Dataset

# Columns that a domain's recipes read as categories, whatever they hold.
_DOMAIN_CATEGORICAL = (
    "CATEGORY_L1",
    "CATEGORY_L2",
    "CATEGORY_L3",
    "GENRES",
    "GENRE_L2",
    "GENRE_L3",
    "SUBSCRIPTION_MODEL",
)
# The same, of a group with a domain only.
_IN_DOMAINS = ("AGE_GROUP", "ADULT", "GENDER", "CONTENT_OWNER", "CONTENT_CLASSIFICATION")
# Names of a description, the most telling first.
_TEXTUAL_NAMES = (
    "PRODUCT_DESCRIPTION",
    "DESCRIPTION",
    "ITEM_DESCRIPTION",
    "OVERVIEW",
    "SUMMARY",
    "TITLE",
    "NAME",
)
_FLOATS = frozenset(name for names in DOMAIN_NUMBERS.values() for name in names)
_CODE_ENDINGS = ("_ID", "_CODE", "_ZIP", "_KEY")
_CODE_NAMES = ("ZIP", "ZIPCODE", "POSTCODE")
_RUNNING_TEXT = 20  # characters on average
_FEW_CATEGORIES = 20
_FEW_LONG = 0.01  # of the values


@dataclass(frozen=True)
class Fields:
    """Makes the fields of one dataset of `rows` rows.

    `text` is the one textual column; `categorical` are the config's, in capitals. `domain_required`
    are the columns that the group's domain asks for, of its own types; None without a domain.
    """

    dataset: Dataset
    rows: int
    text: str | None
    categorical: frozenset[str]
    domain_required: Collection[str] | None = None

    def field(self, column: ColumnReport) -> dict[str, Any]:
        """The field as Avro has it, with Personalize's own marks."""
        own = TYPES.get(column.name, "string")
        if column.name in self.dataset.required:
            return {"name": column.name, "type": own}
        if column.name in self.dataset.reserved:
            return {"name": column.name, "type": self._nullable(own, column)}
        kind = self._type(column)
        # A later export may leave a value out, and the schema of interactions cannot be changed.
        field: dict[str, Any] = {"name": column.name, "type": ["null", kind]}
        if kind == "string" and column.name == self.text:
            field["textual"] = True
        elif kind == "string" and self._is_category(column):
            field["categorical"] = True
        return field

    def _type(self, column: ColumnReport) -> str:
        if column.kind == "timestamp":
            return "long"
        is_quantity = column.kind in ("integer", "number") and not _is_code(column)
        if not is_quantity or self._is_meant_as_category(column.name):
            return "string"
        # The next export's prices may have cents, and a schema cannot be changed.
        is_whole = column.kind == "integer" and column.name != "PRICE"
        # A float has seven digits: 16.99 would be served as 16.989999771118164. Domains ask for it.
        is_float = self.domain_required is not None and column.name in _FLOATS
        fraction = "float" if is_float else "double"
        return "long" if is_whole else fraction

    def _is_meant_as_category(self, name: str) -> bool:
        by_domain = self.domain_required is not None and name in _IN_DOMAINS
        return name in self.categorical or name in _DOMAIN_CATEGORICAL or by_domain

    def _is_category(self, column: ColumnReport) -> bool:
        if self._is_meant_as_category(column.name):
            return True
        # A few long values are cut; of many the column is a text.
        if column.too_long > _FEW_LONG * column.filled:
            return False
        few = column.distinct <= max(_FEW_CATEGORIES, 0.5 * column.filled)
        return few or column.multi_valued > 0

    def _nullable(self, kind: str, column: ColumnReport) -> str | list[str]:
        """Of Personalize's own: the event type counts in every row, if it is there in every row."""
        must_be = column.name == "EVENT_TYPE" or column.name in (self.domain_required or ())
        return kind if must_be and column.filled >= self.rows else ["null", kind]


def textual_column(
    dataset: Dataset, metadata: Sequence[ColumnReport], rows: int, wanted: str | None
) -> str | None:
    """The one textual column of items: the config's, else a description by name, else by content.

    By content it is the longest running text. Other datasets cannot have one.
    """
    if dataset.name != "items":
        return None
    texts = {c.name: c for c in metadata if c.kind == "text" and c.filled}
    if wanted is not None:
        return wanted.upper() if wanted.upper() in texts else None
    # A description says something else of each item, and is no list of values.
    varied = {
        name: c
        for name, c in texts.items()
        if c.distinct > 0.5 * c.filled and c.multi_valued < 0.1 * c.filled
    }
    for name in _TEXTUAL_NAMES:
        if name in varied:
            return name
    longest = max(varied.values(), key=lambda c: (c.mean_length, c.name), default=None)
    if longest is None or longest.mean_length < _RUNNING_TEXT or rows <= 1:
        return None
    return longest.name


def worth(column: ColumnReport, rows: int, *, is_text: bool) -> float:
    """How much a model can learn from the column, for ranking: more is better.

    Best is a column that is filled, and neither constant nor different in every row.
    """
    share = column.filled / max(rows, 1)
    is_varied = column.distinct >= 2
    is_unique = column.distinct > 0.5 * column.filled and column.kind != "number" and not is_text
    by_kind = 1.0 if column.kind == "text" else 0.25 if _is_code(column) else 0.5
    return share + 2 * is_varied + 2 * (not is_unique) + by_kind


def _is_code(column: ColumnReport) -> bool:
    """Store 330 is a name, not a quantity."""
    is_named_so = column.kind == "integer" and column.name.endswith(_CODE_ENDINGS)
    return is_named_so or column.name in _CODE_NAMES
