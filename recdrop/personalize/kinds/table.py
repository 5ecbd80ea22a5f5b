"""The seventeen kinds of resource of the control plane, one table."""

from __future__ import annotations

from collections.abc import Mapping

from recdrop.personalize.control.plane import Special
from recdrop.personalize.control.world import World
from recdrop.personalize.kinds import (
    attribution,
    batch,
    campaigns,
    datajobs,
    filtering,
    groups,
    recommenders,
    solutions,
    versions,
)
from recdrop.service.resources.kinds import Kind
from recdrop.service.resources.lifecycle import Action

_MODULES = (
    groups,
    datajobs,
    solutions,
    versions,
    campaigns,
    batch,
    filtering,
    recommenders,
    attribution,
)

KINDS: Mapping[str, Kind[World]] = {kind.noun: kind for module in _MODULES for kind in module.KINDS}
SPECIALS: Mapping[str, Special] = {
    **versions.SPECIALS,
    **recommenders.SPECIALS,
    **attribution.SPECIALS,
}
ACTIONS: Mapping[str, Action[World]] = {
    **solutions.ACTIONS,
    **campaigns.ACTIONS,
    **recommenders.ACTIONS,
}
