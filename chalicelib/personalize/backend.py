"""Amazon Personalize as one thing with verbs; a second back-end has the same ones for a solution.

train, check_trained, own_metrics      a solution's version
answer_in_bulk                         many questions to a version, by batch
serve, serving_version, ask            what answers people
ensure_recommender, ask_recommender    a use case of a domain group
ensure_group, ensure_schema, ...       Personalize's alone: where its data lies
"""

from __future__ import annotations

from chalicelib.personalize.campaigns import Campaigns
from chalicelib.personalize.groups import Groups
from chalicelib.personalize.inventory import Inventory
from chalicelib.personalize.jobs import Jobs
from chalicelib.personalize.recommenders import Recommenders
from chalicelib.personalize.solutions import Solutions


class Personalize(Groups, Jobs, Solutions, Campaigns, Recommenders, Inventory):
    """All verbs over one set of clients."""
