"""In front of every service of the AWS port: who asks, for what, and may they?

A request that is signed with the key of a role's session is judged by the policies of the packaged
template, and refused in the words of its service. The developer's own key is an administrator's, and
so is a request that nobody signed. What happens without a request (a rule that sends to a queue, a
state machine that invokes a function) asks `check`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape  # it writes XML, and parses none # nosec B406

from recdrop.local.iam.judge import judge, judge_key, judge_trust
from recdrop.local.iam.operations import Call, Need, Place, read_body, read_call
from recdrop.local.iam.policy import Decision, Policy, Principal, Request, Values
from recdrop.local.iam.principals import Caller, Principals, Role, signer
from recdrop.local.iam.refusals import message, refuse

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Record = Callable[[Request, Decision], None]
# A laptop's port speaks plain HTTP; at AWS the same client speaks TLS.
EVERYWHERE: Mapping[str, Values] = {"aws:SecureTransport": "true", "aws:SourceIp": "127.0.0.1"}
DEVELOPER = "user/developer"
KEPT_DECISIONS = 4096
ADMINISTRATOR = Policy(
    "administrator",
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    },
)
# The names of services in signatures that are not botocore's.
BOTOCORE_NAMES = {"states": "stepfunctions"}
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


class Guard:
    """Judges requests. Until `open` there are no roles, and everybody is the developer."""

    def __init__(self, place: Place) -> None:
        self.principals = Principals()
        self.place = place
        self.record: Record = forget
        self._policies: Mapping[str, Policy] = {}
        self._targets: frozenset[str] = frozenset()
        self._keys: Mapping[str, str] = {}
        self._decisions: dict[Hashable, Decision] = {}

    def open(
        self,
        principals: Principals,
        policies: Mapping[str, Policy],
        targets: Iterable[str],
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """The roles of a stack, and the policies of its resources by ARN.

        `targets` are its queues, topics and functions, with a policy or without: what a service
        sends to one of them is judged. `keys` has the key of each topic that is encrypted with one.

        Raises:
            PolicyError: one of them cannot be evaluated.
        """
        for role in principals.roles():
            judge(self._probe(), role.policies, None)
            judge_trust(self._probe(), (), role.trust)
        for policy in policies.values():
            judge(self._probe(), (), policy)
        self.principals, self._policies = principals, policies
        self._keys = keys or {}
        self._decisions.clear()
        self._targets = frozenset(targets)

    def _probe(self) -> Request:
        """A request that no policy is about: who judges it has read every statement."""
        return Request(self.developer().principal, "none:None", "none", {})

    def change(self, resource: str, policy: Policy | None) -> None:
        """Give a resource another policy, or none."""
        others = {arn: one for arn, one in self._policies.items() if arn != resource}
        self._policies = {**others, resource: policy} if policy else others
        self._decisions.clear()

    def policy_of(self, resource: str) -> Policy | None:
        """The resource's own policy; that of an object is its bucket's."""
        if resource.startswith("arn:aws:s3:::"):
            resource = resource.partition("/")[0]
        return self._policies.get(resource)

    def developer(self) -> Caller:
        """Who holds a key that is no role's."""
        account = self.place.account
        arn = f"arn:aws:iam::{account}:{DEVELOPER}"
        return Caller(Principal(arn, account), (ADMINISTRATOR,))

    def service(self, name: str, source: str) -> Caller:
        """A service of AWS at work for the resource `source`."""
        told = {"aws:SourceArn": source, "aws:SourceAccount": self.place.account}
        return Caller(Principal("", "", None, name), (), None, told)

    def decide(self, caller: Caller, need: Need) -> tuple[Request, Decision]:
        """The request as it was judged, and the decision."""
        context = {**EVERYWHERE, **need.context}
        told = caller.told if caller.principal.service else {}
        policy = self.policy_of(need.resource)
        request = Request(caller.principal, need.action, need.resource, {**context, **told})
        decision = self._judge(request, caller.policies, policy)
        self.record(request, decision)
        # The guide of Personalize asks for both: its role, and the bucket's word for the service.
        if decision.allowed and caller.behind is not None:
            request = Request(caller.behind, need.action, need.resource, {**context, **caller.told})
            decision = self._judge(request, (), policy)
            self.record(request, decision)
        return request, decision

    def _judge(
        self, request: Request, policies: Sequence[Policy], policy: Policy | None
    ) -> Decision:
        """`judge`, once per request while the policies stay: a campaign is asked again and again."""
        about = (request.principal, request.action, request.resource)
        key = (*about, tuple(request.context.items()), self.principals.version)
        found = self._decisions.get(key)
        if found is None:
            if policy and request.action.startswith("kms:"):
                found = judge_key(request, policies, policy)
            else:
                found = judge(request, policies, policy)
            if len(self._decisions) >= KEPT_DECISIONS:
                self._decisions.clear()
            self._decisions[key] = found
        return found

    def check(self, caller: Caller, need: Need) -> str | None:
        """AWS's sentence when the caller may not; None when it may."""
        for one in self._with_key(caller, need):
            request, decision = self.decide(caller, one)
            if not decision.allowed:
                return message(request, decision)
        return None

    def _with_key(self, caller: Caller, need: Need) -> Iterator[Need]:
        """The need, and those of the key of an encrypted topic."""
        yield need
        key = self._keys.get(need.resource)
        if key is None or need.action != "sns:Publish":
            return
        via: dict[str, Values] = {}
        if caller.principal.service is None:
            via["kms:ViaService"] = f"sns.{self.place.region}.amazonaws.com"
            via["kms:CallerAccount"] = caller.principal.account
        yield Need("kms:GenerateDataKey", key, via)
        yield Need("kms:Decrypt", key, via)

    def check_delivery(self, name: str, source: str, need: Need) -> str | None:
        """`check` for what a service sends to a queue, a topic or a function of the stack.

        One that was made by hand, by the developer, takes everything.
        """
        if need.resource not in self._targets:
            return None
        return self.check(self.service(name, source), need)

    def check_for_service(self, name: str, source: str, role_arn: str, need: Need) -> str | None:
        """`check` for a service that assumes a role for its work.

        A role that the stack does not have was made by hand, by the developer: it may do all.
        """
        role = self.principals.role(role_arn)
        if role is None:
            return None
        request, decision = self.check_trust(self.service(name, source), role)
        if not decision.allowed:
            return message(request, decision)
        principal = Principal(role.arn, role.account, name.partition(".")[0])
        return self.check(Caller(principal, role.policies), need)

    def check_trust(self, caller: Caller, role: Role) -> tuple[Request, Decision]:
        """Whether the caller may assume the role."""
        told = caller.told if caller.principal.service else {}
        request = Request(caller.principal, "sts:AssumeRole", role.arn, {**EVERYWHERE, **told})
        decision = judge_trust(request, caller.policies, role.trust)
        self.record(request, decision)
        return request, decision

    def protect(self, app: WSGIApplication) -> WSGIApplication:
        """The application behind this guard."""

        def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            signed = signer(environ.get("HTTP_AUTHORIZATION", ""))
            if signed is None:
                return app(environ, start_response)
            key, _, service = signed
            caller = self.principals.find(key)
            if service == "sts":
                return self._answer_sts(app, caller, environ, start_response)
            if caller is None:
                return app(environ, start_response)
            call = read_call(environ, service, self.place)
            needs = (one for need in call.needs for one in self._with_key(caller, need))
            for need in needs:
                request, decision = self.decide(caller, need)
                if not decision.allowed:
                    return deny(call, request, decision, environ, start_response)
            if call.operation in {"GetObject", "HeadObject"}:
                return self._hide_missing(app, caller, call, environ, start_response)
            return app(environ, start_response)

        return guarded

    def _hide_missing(
        self,
        app: WSGIApplication,
        caller: Caller,
        call: Call,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Who may not list a bucket is not told that an object is missing: 403, not 404."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            started.append((status, headers))
            return None

        body = list(app(environ, keep))
        status, headers = started[-1]
        if status.startswith("404") and b"NoSuchBucket" not in b"".join(body):
            bucket = call.needs[0].resource.partition("/")[0]
            request, decision = self.decide(caller, Need("s3:ListBucket", bucket))
            if not decision.allowed:
                return deny(call, request, decision, environ, start_response)
        start_response(status, headers)
        return body

    def _answer_sts(
        self,
        app: WSGIApplication,
        caller: Caller | None,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """AssumeRole of a role of this stack is answered here, all else by `app`."""
        call = read_call(environ, "sts", self.place)
        if call.operation == "GetCallerIdentity" and caller is not None:
            return send_identity(caller, start_response)
        role = self.principals.role(call.needs[0].resource) if call.needs else None
        if call.operation != "AssumeRole" or role is None:
            return app(environ, start_response)
        asking = caller or self.developer()
        if asking.principal.service:
            asking = self.service(
                asking.principal.service, environ.get("HTTP_X_AMZ_SOURCE_ARN", "")
            )
        request, decision = self.check_trust(asking, role)
        if not decision.allowed:
            return deny(call, request, decision, environ, start_response)
        session = form_value(read_body(environ), "RoleSessionName")
        behind = asking.principal if asking.principal.service else None
        key = self.principals.open_session(role.arn, session, behind, asking.told)
        return send_session(role, session, key, start_response)


def forget(_request: Request, _decision: Decision) -> None:
    """Nobody keeps what was decided."""


def deny(
    call: Call,
    request: Request,
    decision: Decision,
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> list[bytes]:
    """Send the refusal as the service would."""
    name = BOTOCORE_NAMES.get(call.service, call.service)
    if name == "personalize" and not environ.get("HTTP_X_AMZ_TARGET"):
        name = "personalize-runtime"
    refusal = refuse(name, request, decision, environ)
    request_id = str(uuid.uuid4())
    ids = {"x-amzn-RequestId": request_id, "x-amz-request-id": request_id}
    headers = [(key, str(value)) for key, value in {**ids, **refusal.headers}.items()]
    start_response(f"{int(refusal.status)} {refusal.status.phrase}", headers)
    return [refusal.body.encode()]


def form_value(body: bytes, name: str) -> str:
    """A value of a form; "" when it has none."""
    return parse_qs(body.decode()).get(name, [""])[0]


def send_session(role: Role, session: str, key: str, start_response: StartResponse) -> list[bytes]:
    """The answer of AssumeRole."""
    assumed = Principal(role.arn, role.account, session).session_arn or ""
    document = (
        "<Credentials>"
        f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>local</SecretAccessKey>"
        "<SessionToken>local</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>"
        "</Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>AROALOCAL:{escape(session)}</AssumedRoleId>"
        f"<Arn>{escape(assumed)}</Arn></AssumedRoleUser>"
    )
    return send_xml("AssumeRole", document, start_response)


def send_identity(caller: Caller, start_response: StartResponse) -> list[bytes]:
    """The answer of GetCallerIdentity."""
    principal = caller.principal
    arn = principal.session_arn or principal.service or principal.arn
    document = (
        f"<Arn>{escape(arn)}</Arn><UserId>AROALOCAL:{escape(principal.session or '')}</UserId>"
        f"<Account>{principal.account}</Account>"
    )
    return send_xml("GetCallerIdentity", document, start_response)


def send_xml(operation: str, result: str, start_response: StartResponse) -> list[bytes]:
    """An answer in the query protocol."""
    body = (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{result}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    ).encode()
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
