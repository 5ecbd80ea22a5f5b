"""The names that the Snowflake set-up is made of. All of them come to stand in SQL: each is checked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib import names

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,254}")
# https://docs.snowflake.com/en/sql-reference/reserved-keywords: what no unquoted name can be.
_RESERVED = re.compile(
    r"ALL|ALTER|AND|ANY|AS|BETWEEN|BY|CHECK|COLUMN|CONNECT|CREATE|CURRENT|DELETE|DISTINCT|DROP"
    r"|ELSE|EXISTS|FOLLOWING|FOR|FROM|GRANT|GROUP|HAVING|ILIKE|IN|INCREMENT|INSERT|INTERSECT"
    r"|INTO|IS|LIKE|MINUS|NOT|NULL|OF|ON|OR|ORDER|QUALIFY|REGEXP|REVOKE|RLIKE|ROW|ROWS|SAMPLE"
    r"|SELECT|SET|SOME|START|TABLE|TABLESAMPLE|THEN|TO|TRIGGER|UNION|UNIQUE|UPDATE|VALUES"
    r"|WHENEVER|WHERE|WITH",
    re.IGNORECASE,
)
_GROUP = re.compile(names.PATTERN)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}")
_API_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)*")


class ParameterError(ValueError):
    """A parameter is wrong; the message names it, its value and what was expected."""


@dataclass(frozen=True)
class Parameters:
    """What the set-up is made of.

    `schema` is `database.schema`. Without `warehouse` one is made. `items` and `users` are tables
    with the columns that stand beside; without a table there is no such dataset.
    """

    group: str
    api_url: str
    storage_role: str
    api_role: str
    drop_bucket: str
    work_bucket: str
    schema: str
    prefix: str = "recsys"
    warehouse: str | None = None
    interactions: str = "events"
    items: str | None = None
    item_columns: tuple[str, ...] = ()
    users: str | None = None
    user_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what may not stand in SQL.

        Raises:
            ParameterError: it names the first wrong parameter.
        """
        _match(
            "group", self.group, _GROUP, "letters, digits, - and _, at most 63", names.MAX_RESOURCE
        )
        _match("api-url", self.api_url, _API_URL, "https://host/stage, without a slash at the end")
        role = "arn:aws:iam::<account>:role/<name>"
        _match("storage-role", self.storage_role, _ROLE_ARN, role)
        _match("api-role", self.api_role, _ROLE_ARN, role)
        for name, bucket in (("drop-bucket", self.drop_bucket), ("work-bucket", self.work_bucket)):
            _match(name, bucket, _BUCKET, "the name of an S3 bucket")
        _identifier("schema", self.schema, parts=(2,))
        _identifier("prefix", self.prefix)
        if self.warehouse is not None:
            _identifier("warehouse", self.warehouse)
        tables = {"interactions": self.interactions, "items": self.items, "users": self.users}
        for name, table in tables.items():
            if table is not None:
                _identifier(name, table, parts=(1, 2, 3))
        columns = {"item-column": self.item_columns, "user-column": self.user_columns}
        for name, values in columns.items():
            for value in values:
                _identifier(name, value)

    @property
    def used_warehouse(self) -> str:
        return self.warehouse or f"{self.prefix}_wh"

    def own(self, name: str) -> str:
        """An object of the schema."""
        return f"{self.schema}.{self.prefix}_{name}"

    def table(self, name: str) -> str:
        """A table of the user's, which is of the schema where it names none."""
        return name if "." in name else f"{self.schema}.{name}"


def _identifier(name: str, value: str, parts: tuple[int, ...] = (1,)) -> None:
    found = value.split(".")
    fits = all(_IDENTIFIER.fullmatch(part) and not _RESERVED.fullmatch(part) for part in found)
    if not fits or len(found) not in parts:
        count = " or ".join(map(str, parts))
        raise ParameterError(
            f"Option '--{name}' has value {value[:80]!r}. Expected {count} name(s) joined by dots, "
            "each of letters, digits, _ and $, and no reserved word."
        )


def _match(
    name: str, value: str, pattern: re.Pattern[str], expected: str, limit: int = 2_000
) -> None:
    if not pattern.fullmatch(value) or len(value) > limit:
        raise ParameterError(f"Option '--{name}' has value {value[:80]!r}. Expected {expected}.")
