"""What is accepted here is accepted by the local Personalize, since both know the same limits."""

from __future__ import annotations

from chalicelib.vocabulary import limits
from recdrop.personalize.data import csvrules
from recdrop.personalize.data.schemas import RULES, Requirement

NUMBERS = {"int", "long", "float", "double"}


def test_the_local_personalize_has_the_same_limits() -> None:
    assert limits.MAX_ID == csvrules.MAX_ID
    assert limits.MAX_CATEGORY == csvrules.MAX_STRING
    assert limits.MAX_TEXT == csvrules.MAX_TEXT
    assert limits.MAX_TEXT_EAST_ASIAN == csvrules.MAX_TEXT_EAST_ASIAN
    assert limits.EAST_ASIAN == csvrules.EAST_ASIAN


def test_the_columns_that_a_domain_takes_as_numbers_are_those_of_its_schema() -> None:
    from chalicelib.vocabulary.datasets import DOMAIN_NUMBERS

    def numbers(domain: str) -> set[str]:
        rules = RULES[domain, "ITEMS"]
        fields: dict[str, Requirement] = {**rules.required, **rules.reserved}
        found = {name for name, rule in fields.items() if set(rule.types) <= NUMBERS}
        return found - {"CREATION_TIMESTAMP"}

    assert {domain: numbers(domain) for domain in DOMAIN_NUMBERS} == {
        domain: set(names) for domain, names in DOMAIN_NUMBERS.items()
    }
