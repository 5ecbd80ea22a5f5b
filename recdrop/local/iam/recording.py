"""Who called what, and by which policies it was allowed: written down while tests run.

Where the environment names a folder (RECDROP_RECORD_CALLS), every process that runs a stack writes
a file of JSON lines there: the policies of a stack once, then each request that is new under them.
`read` merges the files. What each allow is needed for is asked of that, by
`infrastructure.permissions`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recdrop.local.iam.judge import judge, judge_key, judge_trust
from recdrop.local.iam.policy import Decision, Policy, Principal, Request

VARIABLE = "RECDROP_RECORD_CALLS"
Json = dict[str, Any]


@dataclass(frozen=True)
class PolicySet:
    """All policies of a stack: of its roles and who may assume them, and of its resources, by ARN."""

    identity: Mapping[str, Sequence[Policy]]
    trust: Mapping[str, Policy] = field(default_factory=dict)
    resources: Mapping[str, Policy] = field(default_factory=dict)

    def judge(self, request: Request) -> Decision:
        """The decision on a request under these policies."""
        identity = self.identity.get(request.principal.arn, ())
        if request.action == "sts:AssumeRole":
            return judge_trust(request, identity, self.trust[request.resource])
        policy = self.policy_of(request.resource)
        if request.action.startswith("kms:") and policy:
            return judge_key(request, identity, policy)
        return judge(request, identity, policy)

    def policy_of(self, resource: str) -> Policy | None:
        """The policy of a resource; that of an object is its bucket's."""
        if ":s3:::" in resource:
            resource = resource.partition("/")[0]
        return self.resources.get(resource)


class Recorder:
    """Writes requests that were allowed to a file of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"calls-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self._written: set[str] = set()
        self._under: str | None = None
        self._lock = threading.Lock()

    def use(self, policies: PolicySet) -> None:
        """Say which policies the requests from now on are judged by."""
        document = {
            "identity": {
                arn: [write_policy(one) for one in listed]
                for arn, listed in policies.identity.items()
            },
            "trust": {arn: write_policy(one) for arn, one in policies.trust.items()},
            "resources": {arn: write_policy(one) for arn, one in policies.resources.items()},
        }
        text = json.dumps(document, sort_keys=True)
        self._under = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._write({"policies": self._under, **document})

    def record(self, request: Request, decision: Decision) -> None:
        """Write an allowed request, once. A refused one needed nothing; nor does a developer's.

        Before `use` there are no policies, and nothing is written.
        """
        principal = request.principal
        if not decision.allowed or self._under is None or ":user/" in principal.arn:
            return
        call = {
            "under": self._under,
            "principal": [principal.arn, principal.account, principal.session, principal.service],
            "action": request.action,
            "resource": request.resource,
            "context": dict(request.context),
            "by": decision.by,
        }
        self._write(call)

    def _write(self, document: Json) -> None:
        line = json.dumps(document, sort_keys=True)
        with self._lock:
            if line in self._written:
                return
            self._written.add(line)
            with self.path.open("a") as file:
                file.write(f"{line}\n")


def recorder(environment: Mapping[str, str]) -> Recorder | None:
    """The recorder that the environment asks for."""
    folder = environment.get(VARIABLE)
    return Recorder(Path(folder)) if folder else None


def read(folder: Path) -> Iterator[tuple[PolicySet, list[Request]]]:
    """Every set of policies in a recording, with all requests that were allowed under it."""
    sets: dict[str, PolicySet] = {}
    by_set: dict[str, dict[str, Request]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            document = json.loads(line)
            if "policies" in document:
                sets[document["policies"]] = read_policies(document)
            else:
                by_set.setdefault(document["under"], {})[line] = read_request(document)
    for digest, policies in sets.items():
        yield policies, list(by_set.get(digest, {}).values())


def write_policy(policy: Policy) -> Json:
    """A policy as it is written."""
    return {"name": policy.name, "document": policy.document}


def read_policies(document: Json) -> PolicySet:
    """A set of policies as it was written."""
    return PolicySet(
        identity={
            arn: [Policy(**one) for one in listed] for arn, listed in document["identity"].items()
        },
        trust={arn: Policy(**one) for arn, one in document["trust"].items()},
        resources={arn: Policy(**one) for arn, one in document["resources"].items()},
    )


def read_request(document: Json) -> Request:
    """A request as it was written."""
    principal = Principal(*document["principal"])
    return Request(principal, document["action"], document["resource"], document["context"])
