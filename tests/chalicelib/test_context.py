from __future__ import annotations

import pytest

from chalicelib.clients import Clients
from chalicelib.context import Context, open_context
from chalicelib.errors import ConfigurationError
from chalicelib.settings import Settings
from tests.chalicelib.town import ROLE, Town


def test_a_collaborator_needs_its_own_variables_only(town: Town) -> None:
    settings = Settings({"TABLE_NAME": "t", "WORK_BUCKET": "w"})
    context = Context(settings, town.clients)
    assert context.work.name == "w"
    assert context.ledger.table.name == "t"
    with pytest.raises(ConfigurationError, match="DROP_BUCKET"):
        _ = context.drop


def test_a_collaborator_is_made_once(town: Town) -> None:
    assert town.context.ledger is town.context.ledger
    assert town.context.work is town.context.work


def test_personalize_knows_its_account_from_the_role_and_its_region_from_the_client(
    town: Town,
) -> None:
    assert town.context.personalize.arns.solution("a") == (
        f"arn:aws:personalize:us-east-1:{ROLE.split(':')[4]}:solution/a"
    )


def test_a_process_has_one_context() -> None:
    assert open_context() is open_context()
    assert type(open_context().clients) is Clients
