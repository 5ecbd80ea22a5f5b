"""Would AWS allow this? The evaluation of policies within one account.

An explicit deny wins, wherever it stands. Else one allow is enough, of the principal's own
(identity-based) policies or of the resource's. Else the answer is no.
A service has no policies of its own, so for it only the resource's count. A role's trust policy
and a key's policy must allow by themselves, or hand over to the account's policies by naming its
root. For another account's resource both sides must allow.

Not evaluated: permissions boundaries, session policies, organisations' policies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recdrop.local.iam import conditions, patterns
from recdrop.local.iam.patterns import Scope
from recdrop.local.iam.policy import (
    Decision,
    Policy,
    PolicyError,
    Principal,
    Request,
    Statement,
    Values,
)

IDENTITY_DENIES = "explicit deny in an identity-based policy"
RESOURCE_DENIES = "explicit deny in a resource-based policy"
IDENTITY_ALLOWS = "an identity-based policy allows"
RESOURCE_ALLOWS = "a resource-based policy allows"
NO_IDENTITY_ALLOWS = "no identity-based policy allows"
NO_RESOURCE_ALLOWS = "no resource-based policy allows"
# The account part in the ARN of a bucket, and of what AWS itself provides.
NOBODY = {"", "aws"}


@dataclass(frozen=True)
class Findings:
    """The first statement of each sort that applies to a request."""

    identity_deny: Statement | None
    resource_deny: Statement | None
    identity: Statement | None
    # The resource's policy allows the principal itself ...
    resource: Statement | None
    # ... or it and what belongs to its account: then the account's own policies have the word.
    delegated: Statement | None


def judge(request: Request, identity: Sequence[Policy], resource: Policy | None) -> Decision:
    """Whether a request on a bucket, queue, topic, function or anything else is allowed.

    Raises:
        PolicyError: a policy cannot be evaluated.
    """
    found = find(request, identity, resource)
    if denied := deny(found):
        return denied
    if is_foreign(request):
        if found.identity is None:
            return Decision(False, NO_IDENTITY_ALLOWS, None)
        if found.delegated is None:
            return Decision(False, NO_RESOURCE_ALLOWS, None)
        return Decision(True, RESOURCE_ALLOWS, found.delegated.by)
    if found.identity:
        return Decision(True, IDENTITY_ALLOWS, found.identity.by)
    if found.resource:
        return Decision(True, RESOURCE_ALLOWS, found.resource.by)
    is_service = request.principal.service is not None
    return Decision(False, NO_RESOURCE_ALLOWS if is_service else NO_IDENTITY_ALLOWS, None)


def judge_trust(request: Request, identity: Sequence[Policy], trust: Policy) -> Decision:
    """Whether a role may be assumed: its trust policy has to say so in any case.

    A trust policy names no resource: it is the role's own.

    Raises:
        PolicyError: a policy cannot be evaluated.
    """
    return judge_owned(request, identity, trust, names_resource=False)


def judge_key(request: Request, identity: Sequence[Policy], key: Policy) -> Decision:
    """Whether a KMS key may be used: its policy allows, or leaves it to the account's policies.

    Raises:
        PolicyError: a policy cannot be evaluated.
    """
    return judge_owned(request, identity, key, names_resource=True)


def judge_owned(
    request: Request, identity: Sequence[Policy], owner: Policy, *, names_resource: bool
) -> Decision:
    """The rule of trust and key policies: no allow of an identity counts without theirs."""
    found = find(request, identity, owner, names_resource=names_resource)
    if denied := deny(found):
        return denied
    if found.resource and not is_foreign(request):
        return Decision(True, RESOURCE_ALLOWS, found.resource.by)
    if found.delegated is None:
        return Decision(False, NO_RESOURCE_ALLOWS, None)
    if found.identity:
        return Decision(True, IDENTITY_ALLOWS, found.identity.by)
    return Decision(False, NO_IDENTITY_ALLOWS, None)


def deny(found: Findings) -> Decision | None:
    """The refusal of an explicit deny, if there is one."""
    if found.identity_deny:
        return Decision(False, IDENTITY_DENIES, found.identity_deny.by)
    if found.resource_deny:
        return Decision(False, RESOURCE_DENIES, found.resource_deny.by)
    return None


def is_foreign(request: Request) -> bool:
    """Whether the resource belongs to another account than the principal.

    The ARNs of buckets and recipes name no account: they count as the principal's.
    """
    parts = request.resource.split(":")
    owner = parts[4] if len(parts) > conditions.ARN_PARTS - 1 else ""
    return request.principal.service is None and owner not in NOBODY | {request.principal.account}


def find(
    request: Request,
    identity: Sequence[Policy],
    resource: Policy | None,
    *,
    names_resource: bool = True,
) -> Findings:
    """The statements that apply to a request, by what they do."""
    context = full_context(request)
    own = () if request.principal.service else identity
    ours = [
        statement
        for policy in own
        for statement in policy.statements
        if covers(statement, request, context, is_identity=True)
    ]
    theirs = [
        statement
        for statement in (resource.statements if resource else ())
        if covers(statement, request, context, names_resource=names_resource)
    ]
    return Findings(
        identity_deny=first(ours, "Deny"),
        resource_deny=first((one for one in theirs if is_denied(one, request.principal)), "Deny"),
        identity=first(ours, "Allow"),
        resource=first((one for one in theirs if is_granted(one, request.principal)), "Allow"),
        delegated=first((one for one in theirs if is_delegated(one, request.principal)), "Allow"),
    )


def first(found: Iterable[Statement], effect: str) -> Statement | None:
    """The first statement with this effect."""
    return next((one for one in found if one.effect == effect), None)


def full_context(request: Request) -> Mapping[str, Values]:
    """The request's condition keys in lower case, with those that follow from its principal."""
    principal = request.principal
    keys: dict[str, Values] = {
        "aws:principalisawsservice": "true" if principal.service else "false"
    }
    if principal.service:
        keys["aws:principalservicename"] = principal.service
    else:
        keys["aws:principalarn"] = principal.arn
        keys["aws:principalaccount"] = principal.account
        keys["aws:principaltype"] = "User" if ":user/" in principal.arn else "AssumedRole"
    return keys | {key.lower(): value for key, value in request.context.items()}


def covers(
    statement: Statement,
    request: Request,
    context: Mapping[str, Values],
    *,
    is_identity: bool = False,
    names_resource: bool = True,
) -> bool:
    """Whether a statement is about this action, this resource and these conditions.

    Raises:
        PolicyError: the statement lacks an element that its kind of policy needs.
    """
    check_kind(statement, is_identity=is_identity, names_resource=names_resource)
    scope = Scope(context, statement.variables)
    # Conditions first: an unknown operator raises whatever the statement is about.
    return (
        conditions.hold(statement.condition, scope)
        and is_action(statement, request.action, scope)
        and (not names_resource or is_resource(statement, request.resource, scope))
    )


def check_kind(statement: Statement, *, is_identity: bool, names_resource: bool) -> None:
    """Refuse a statement of the wrong kind of policy.

    Raises:
        PolicyError: a Resource is missing, or a Principal is missing or too many.
    """
    where = f"Statement {statement.label!r} of policy {statement.policy!r}"
    has_resource = statement.resource is not None or statement.not_resource is not None
    has_principal = statement.principal is not None or statement.not_principal is not None
    if names_resource and not has_resource:
        raise PolicyError(f"{where} has no Resource. Expected Resource or NotResource.")
    if is_identity == has_principal:
        expected = "none in a policy of an identity" if is_identity else "Principal"
        raise PolicyError(f"{where}: expected {expected}.")


def is_action(statement: Statement, action: str, scope: Scope) -> bool:
    """Whether the statement names the action, in any case."""
    # No variables in actions.
    literal = Scope(scope.context, variables=False)

    def named(listed: Sequence[str]) -> bool:
        return any(patterns.matches(one, action, literal, any_case=True) for one in listed)

    if statement.action is not None:
        return named(statement.action)
    return not named(statement.not_action or ())


def is_resource(statement: Statement, resource: str, scope: Scope) -> bool:
    """Whether the statement names the resource; case counts."""

    def named(listed: Sequence[str]) -> bool:
        return any(patterns.matches(one, resource, scope) for one in listed)

    if statement.resource is not None:
        return named(statement.resource)
    return not named(statement.not_resource or ())


def is_granted(statement: Statement, principal: Principal) -> bool:
    """Whether an allow of a resource's policy is for the principal itself.

    One for its account only lets the account's own policies allow.
    """
    if statement.not_principal is not None:
        return not names(principal) & listed(statement.not_principal)
    granted = listed(statement.principal or {})
    return "*" in granted or bool((names(principal) - account_names(principal)) & granted)


def is_delegated(statement: Statement, principal: Principal) -> bool:
    """Whether an allow of a resource's policy is for the principal or for its account."""
    named = listed(statement.principal or {})
    return is_granted(statement, principal) or bool(account_names(principal) & named)


def is_denied(statement: Statement, principal: Principal) -> bool:
    """Whether a deny of a resource's policy is about the principal.

    A deny with NotPrincipal spares a principal only when its account, its role and its session
    are all named.
    """
    if statement.not_principal is not None:
        spared = listed(statement.not_principal)
        account = account_names(principal)
        is_spared = names(principal) - account <= spared and (not account or bool(account & spared))
        return not ("*" in spared or is_spared)
    named = listed(statement.principal or {})
    return "*" in named or bool(names(principal) & named)


def names(principal: Principal) -> set[str]:
    """All that a `Principal` element may call a principal."""
    if principal.service:
        return {principal.service}
    own = {principal.arn, principal.session_arn} - {None}
    return {name for name in own if name} | account_names(principal)


def account_names(principal: Principal) -> set[str]:
    """How a `Principal` element names the principal's account; a service has none."""
    return set() if principal.service else {principal.account, principal.root}


def listed(principals: Mapping[str, Sequence[str]]) -> set[str]:
    """The names of a Principal element, of every kind."""
    return {name for names in principals.values() for name in names}
