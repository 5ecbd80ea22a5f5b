"""The quotas of Personalize (`quotas.json`), and which of them are limits on requests a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recdrop.personalize.errors import LimitExceededError
from recdrop.service.errors import ServiceError, UnmodelledError
from recdrop.service.http.rates import Limit
from recdrop.service.resources.quotas import Quotas

_FILE = Path(__file__).with_name("quotas.json")


def load_quotas() -> Quotas:
    """The service's own values."""
    return Quotas.read(_FILE)


def _throttled() -> ServiceError:
    return UnmodelledError("ThrottlingException", "Rate exceeded", 429)


def _too_many() -> ServiceError:
    return LimitExceededError("The limit on the number of requests per second has been exceeded.")


_RECOMMENDATIONS = Limit("recommendation_requests_per_second", "campaignArn", _throttled)
_EVENTS = Limit("event_requests_per_second", "trackingId", _throttled)
_RECORDS = Limit("record_requests_per_second", "datasetArn", _throttled)

RATES: Mapping[str, Limit] = {
    "GetRecommendations": _RECOMMENDATIONS,
    "GetPersonalizedRanking": _RECOMMENDATIONS,
    "GetActionRecommendations": _RECOMMENDATIONS,
    "PutEvents": _EVENTS,
    "PutActionInteractions": _EVENTS,
    "PutItems": _RECORDS,
    "PutUsers": _RECORDS,
    "PutActions": _RECORDS,
}
# The control plane's limit is not published: this quota is far away unless it is set.
CONTROL_RATE = Limit("control_requests_per_second", None, _too_many)
