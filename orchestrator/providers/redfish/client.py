"""A Redfish client that follows links: it builds no URL but the service root's.

One conversation with one BMC at a time: it logs in, asks, and logs out, within one time budget.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.providers.patience import Patience, Retry
from orchestrator.providers.redfish.answers import (
    MOMENTARY,
    Resource,
    asked_pause,
    link_of,
    login_refused,
    message_of,
    nonsense,
    parsed,
    password_change_link,
    password_first,
    path_of,
)
from orchestrator.providers.redfish.quirks import Etag, Profile
from orchestrator.providers.redfish.wire import Answer, NoAnswerError, Wire

ROOT = "/redfish/v1/"
"""The one address that the standard itself fixes (DSP0266, 6.2)."""

MOST_MEMBERS = 512
"""A server has no collection that is larger; a BMC that says so links in a circle."""
MOST_REDIRECTS = 3
_PRECONDITION_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long we bear with a BMC, in seconds."""

    total_seconds: float = 30.0
    """For everything that one call of ours asks of it."""
    answer_seconds: float = 10.0
    """For one answer."""
    goodbye_seconds: float = 5.0
    """For closing the session, even where the total is used up."""


@dataclass(kw_only=True, slots=True)
class Conversation:
    """Requests to one BMC, with whatever proves who we are."""

    wire: Wire
    limits: Limits
    deadline: float
    profile: Profile = field(default_factory=Profile)
    headers: dict[str, str] = field(default_factory=dict)
    """What proves who we are, once that is known."""
    root: Resource = field(default_factory=dict)
    account_to_change: str | None = None
    """The account that the BMC wants a new password for before it does anything else."""
    calls: int = 0

    def use_basic(self, user: str, password: str) -> None:
        """Prove who we are anew with each request."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"}

    def get(self, link: str) -> Resource:
        """Return a resource.

        Raises:
            BmcError: there is none, or no answer that makes sense within the budget.
        """
        return self._get(link)[0]

    def follow(self, reference: object) -> Resource:
        """Return what a reference (`{"@odata.id": ...}`) points to; an expanded one is there."""
        if isinstance(reference, Mapping) and len(reference) > 1:
            return reference
        return self.get(link_of(reference))

    def members(self, reference: object, *, levels: int = 1) -> list[Resource]:
        """Return a collection's members: by one call where the BMC can expand, else one each.

        `levels` is how far down the members are wanted with what they contain.
        """
        link = link_of(reference) + self._expand(levels)
        found: list[Resource] = []
        while link:
            page = self.get(link)
            found += [self.follow(member) for member in page.get("Members") or ()]
            if len(found) > MOST_MEMBERS:
                raise nonsense(f"{link} has more than {MOST_MEMBERS} members")
            link = page.get("Members@odata.nextLink") or page.get("@odata.nextLink") or ""
        return found

    def patch(self, link: str, body: Mapping[str, Any]) -> Answer:
        """Change a resource, with its ETag where the BMC's profile wants it."""
        for _ in range(_PRECONDITION_TRIES):
            answer = self.send("PATCH", link, body, headers=self._precondition(link))
            if answer.status != 412:
                return self._accepted(answer, f"PATCH {link}")
        raise BmcError(
            f"PATCH {link}: it answers 412, the resource is another than was read",
            fault=BmcFault.REFUSED,
            remedy="Another hand changes it, or this BMC wants an If-Match that its entry in the "
            "quirk table does not give (docs/decisions/0014-redfish.md).",
        )

    def post(self, link: str, body: Mapping[str, Any]) -> Answer:
        """Do an action, or add a member; never repeated by itself."""
        return self._accepted(self.send("POST", link, body), f"POST {link}")

    def send(
        self,
        method: str,
        link: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request that is not repeated when its answer is lost; 503 was not begun."""
        patience = self._patience()
        while True:
            try:
                answer = self._once(method, link, body=body, headers=headers)
            except NoAnswerError as error:
                raise BmcError(
                    f"{method} {link}: {error}; whether it was done is not known",
                    fault=BmcFault.UNREACHABLE,
                    remedy="Look at the server with `orchestrator hardware show --live`.",
                ) from error
            if answer.status != 503 or not patience.wait(asked_pause(answer)):
                return answer

    def expect_free(self) -> None:
        """Refuse to go on where the BMC wants another password first."""
        if self.account_to_change is not None:
            raise password_first()

    def _get(self, link: str) -> tuple[Resource, Answer]:
        answer, found = self._patiently(link)
        for _ in range(MOST_REDIRECTS):
            if answer.status not in {301, 302, 307, 308}:
                break
            answer, found = self._patiently(path_of(answer.headers.get("location", "")))
        self._accepted(answer, f"GET {link}")
        if found is None:
            raise nonsense(f"GET {link}: the answer is no JSON object")
        return found, answer

    def _patiently(self, link: str) -> tuple[Answer, Resource | None]:
        """Ask until there is a whole answer, or the budget is used up."""
        patience = self._patience()
        while True:
            pause: float | None = None
            try:
                answer = self._once("GET", link)
                found = parsed(answer)
                momentary = answer.status in MOMENTARY or (answer.status == 200 and found is None)
                if not momentary or patience.tries >= self._most_tries(answer):
                    return answer, found
                pause = asked_pause(answer)
                if not patience.wait(pause):
                    return answer, found
            except NoAnswerError as error:
                if not patience.wait(None):
                    raise BmcError(
                        f"GET {link}: {error}",
                        fault=BmcFault.UNREACHABLE,
                        remedy="Look at its cable, its address and whether it is being restarted.",
                    ) from error

    def _most_tries(self, answer: Answer) -> int:
        """Return how often an answer is asked for again: a 500 is seldom a matter of time."""
        return 2 if answer.status in {200, 500} else 1000

    def _once(
        self,
        method: str,
        link: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self.calls += 1
        sent = {
            "Accept": "application/json",
            "OData-Version": "4.0",
            **self.headers,
            **(headers or {}),
        }
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        deadline = min(time.monotonic() + self.limits.answer_seconds, self.deadline)
        return self.wire.exchange(method, link, deadline=deadline, body=content, headers=sent)

    def _precondition(self, link: str) -> dict[str, str]:
        if self.profile.etag is Etag.NONE:
            return {}
        resource, answer = self._get(link)
        tag = answer.headers.get("etag") or resource.get("@odata.etag")
        if not isinstance(tag, str):
            return {}
        bare = self.profile.etag is Etag.BARE
        return {"If-Match": tag.removeprefix("W/").strip('"') if bare else tag}

    def _expand(self, levels: int) -> str:
        """Return the query that expands, only where the BMC says that it can."""
        features = self.root.get("ProtocolFeaturesSupported") or {}
        expand = features.get("ExpandQuery") or {}
        if not expand.get("NoLinks"):
            return ""
        depth = levels if expand.get("Levels") else 1
        return f"?$expand=.($levels={min(depth, expand.get('MaxLevels') or depth)})"

    def _patience(self) -> Patience:
        return Patience(retry=Retry(total_seconds=max(0.0, self.deadline - time.monotonic())))

    def _accepted(self, answer: Answer, what: str) -> Answer:
        if answer.status < 300:
            return answer
        if answer.status == 401:
            raise login_refused()
        if answer.status == 403 and password_change_link(parsed(answer)) is not None:
            raise password_first()
        raise BmcError(
            f"{what}: it answers {answer.status}{message_of(answer)}",
            fault=BmcFault.UNREACHABLE if answer.status in MOMENTARY - {500} else BmcFault.REFUSED,
            remedy="Look into the BMC's own log; its firmware may lack this part of Redfish.",
        )
