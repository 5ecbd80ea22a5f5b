from __future__ import annotations

from chalicelib.personalize.arns import Arns

ARNS = Arns("aws-cn", "cn-north-1", "123456789012")


def test_arns_follow_from_names() -> None:
    prefix = "arn:aws-cn:personalize:cn-north-1:123456789012:"
    assert ARNS.solution("shop-for-you") == f"{prefix}solution/shop-for-you"
    assert (
        ARNS.dataset("shop", "action_interactions") == f"{prefix}dataset/shop/ACTION_INTERACTIONS"
    )
    assert ARNS.filter("f") == f"{prefix}filter/f"


def test_a_recipe_belongs_to_no_region_and_no_account() -> None:
    assert ARNS.recipe("aws-sims") == "arn:aws-cn:personalize:::recipe/aws-sims"


def test_partition_and_account_are_those_of_the_role() -> None:
    role = "arn:aws-us-gov:iam::210987654321:role/path/personalize"
    assert Arns.beside(role, "us-gov-west-1") == Arns("aws-us-gov", "us-gov-west-1", "210987654321")
