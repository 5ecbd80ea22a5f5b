"""What Amazon Personalize is, by botocore's three models of it: 79 operations."""

from __future__ import annotations

from recdrop.service.wire.specification import Specification

PERSONALIZE = Specification(
    name="personalize",
    models=("personalize", "personalize-runtime", "personalize-events"),
    target_prefix="AmazonPersonalize.",
)
