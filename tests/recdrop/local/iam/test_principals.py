"""Keys, and whom they stand for."""

from __future__ import annotations

import pytest

from recdrop.local.iam.policy import Policy, Principal
from recdrop.local.iam.principals import Principals, Role, signer

TRAIN = "arn:aws:iam::123456789012:role/train-role"
ALLOW = Policy("train", {"Version": "2012-10-17", "Statement": []})
TRUST = Policy("trust", {"Version": "2012-10-17", "Statement": []})


def test_a_session_has_the_roles_policies_and_the_arn_of_aws() -> None:
    principals = Principals([Role(TRAIN, (ALLOW,), TRUST)])
    caller = principals.find(principals.open_session(TRAIN, "shop-Train"))
    assert caller is not None
    session = "arn:aws:sts::123456789012:assumed-role/train-role/shop-Train"
    assert caller.principal.session_arn == session
    assert caller.policies == (ALLOW,)


def test_each_session_has_a_key_of_its_own_that_looks_like_a_sessions() -> None:
    principals = Principals([Role(TRAIN, (), TRUST)])
    one, other = (principals.open_session(TRAIN, name) for name in ("one", "other"))
    assert one != other
    assert principals.open_session(TRAIN, "one") == one
    assert one.startswith("ASIA")
    assert len(one) == 20


def test_other_policies_of_a_role_count_at_once_for_the_sessions_it_has() -> None:
    principals = Principals([Role(TRAIN, (ALLOW,), TRUST)])
    key = principals.open_session(TRAIN, "one")
    principals.change(Role(TRAIN, (), TRUST))
    caller = principals.find(key)
    assert caller is not None
    assert caller.policies == ()


def test_a_service_signs_with_its_name_and_whoever_is_unknown_is_the_developer() -> None:
    service = Principals().find("personalize.amazonaws.com")
    assert service is not None
    assert service.principal == Principal("", "", None, "personalize.amazonaws.com")
    assert Principals().find("recdrop") is None
    assert Principals().find("AKIAIOSFODNN7EXAMPLE") is None


def test_a_session_of_a_role_that_is_not_there_is_refused() -> None:
    with pytest.raises(LookupError, match="There is no role"):
        Principals().open_session(TRAIN, "one")


def test_a_signature_names_key_region_and_service() -> None:
    scope = "Credential=AKIA/20261125/eu-west-1/s3/aws4_request, SignedHeaders=host"
    assert signer(f"AWS4-HMAC-SHA256 {scope}") == ("AKIA", "eu-west-1", "s3")
    assert signer("Bearer token") is None
