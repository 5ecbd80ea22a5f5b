from __future__ import annotations

from chalicelib.personalize.calls import Calls
from tests.chalicelib.town import ROLE, Town


def test_every_verb_works_with_the_same_clients_arns_and_role(town: Town) -> None:
    personalize = town.context.personalize
    assert isinstance(personalize, Calls)
    assert personalize.client is town.clients.personalize
    assert personalize.runtime is town.clients.personalize_runtime
    assert personalize.role_arn == ROLE
