"""A group that is full already: what would not fit is refused before it is made."""

from __future__ import annotations

import pytest

from chalicelib.errors import ConfigurationError
from chalicelib.pipeline.quotas import check_quotas
from chalicelib.runs import Run
from tests.chalicelib.town import Town


def config(*solutions: str, campaigns: int = 5) -> str:
    entries = [f'[[solution]]\nname = "{name}"\nrecipe = "aws-sims"\n' for name in solutions]
    return "".join(entries) + f"[quotas]\ncampaigns = {campaigns}\nsolutions = 99\n"


def test_a_campaign_too_many_is_refused_with_what_is_in_its_way(promoted: Run, town: Town) -> None:
    # Other tests make campaigns of this group, too.
    there = town.context.personalize.names_in_group(promoted.group)["campaigns"]
    text = config("b1", "b2", "b3", "b4", "similar", campaigns=len(there) + 3)
    run = town.begin_run(promoted.group, text)
    with pytest.raises(ConfigurationError) as caught:
        check_quotas(run)
    told = str(caught.value)
    assert told.startswith(
        f"Quota campaigns per dataset group: {len(there)} of {len(there) + 3} are "
    )
    assert "promoted-b1, promoted-b2, promoted-b3, promoted-b4" in told
    assert "promoted-for-you" in told.split("Not in recdrop.toml: ")[1]
    assert "set quotas.campaigns" in told


def test_what_fits_or_is_there_already_goes_on(promoted: Run, town: Town) -> None:
    check_quotas(town.begin_run(promoted.group, config("for-you", "similar", campaigns=2)))


def test_a_raised_quota_is_believed(promoted: Run, town: Town) -> None:
    check_quotas(town.begin_run(promoted.group, config("b1", "b2", "b3", "b4", campaigns=99)))
