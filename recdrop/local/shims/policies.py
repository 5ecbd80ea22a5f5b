"""IAM's managed policies: those that AWS owns are there when somebody names one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

# What names a managed policy, or lists them.
NAMING = (
    "attach_role_policy",
    "attach_group_policy",
    "attach_user_policy",
    "get_policy",
    "get_policy_version",
    "list_policies",
    "list_policy_versions",
)


def know_awss_own_policies() -> None:
    """Roles cannot have the policies that AWS manages, such as AmazonPersonalizeFullAccess.

    moto has them, and reads all 1,500 when it starts or none: here they are read at the first need.
    """
    from moto.iam.models import IAMBackend

    for name in NAMING:
        setattr(IAMBackend, name, knowing(getattr(IAMBackend, name)))


def knowing(original: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the backend that finds AWS's own policies in it."""

    @functools.wraps(original)
    def method(backend: Any, *arguments: Any, **named: Any) -> Any:
        if not backend.aws_managed_policies:
            read_policies(backend)
        return original(backend, *arguments, **named)

    return method


def read_policies(backend: Any) -> None:
    """Put AWS's own policies beside those that were made."""
    import json

    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    account, region = backend.account_id, backend.region_name
    backend.aws_managed_policies = [
        AWSManagedPolicy.from_data(name, account, region, entry)
        for name, entry in json.loads(aws_managed_policies_data).items()
    ]
    for policy in backend.aws_managed_policies:
        backend.managed_policies.setdefault(policy.arn, policy)
