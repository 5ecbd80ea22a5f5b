"""The seventeen kinds of resource of the control plane, one table."""

from __future__ import annotations

from collections.abc import Mapping

from recdrop.personalize.control import Special
from recdrop.personalize.kinds import (
    attribution,
    batch,
    campaigns,
    datajobs,
    filtering,
    groups,
    recommenders,
    solutions,
)
from recdrop.personalize.lifecycle import Action
from recdrop.personalize.resources import Kind

_MODULES = (groups, datajobs, solutions, campaigns, batch, filtering, recommenders, attribution)

KINDS: Mapping[str, Kind] = {kind.noun: kind for module in _MODULES for kind in module.KINDS}
SPECIALS: Mapping[str, Special] = {
    **solutions.SPECIALS,
    **recommenders.SPECIALS,
    **attribution.SPECIALS,
}
ACTIONS: Mapping[str, Action] = {**solutions.ACTIONS, **campaigns.ACTIONS, **recommenders.ACTIONS}
