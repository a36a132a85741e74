"""One OpenStack service over REST: retried, bounded, paged, with errors in the service's words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from orchestrator.errors import CloudError
from orchestrator.providers.openstack.refusals import (
    ConflictError,
    NotThereError,
    RequestRefusedError,
    UncertainError,
)
from orchestrator.providers.patience import Patience, Retry, seconds_of

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from requests import Response

Row = Mapping[str, Any]
"""An object as a service writes it in JSON."""

CONNECT_SECONDS = 10
READ_SECONDS = 120
"""Longest silence of a service within one answer."""

PART_BYTES = 1 << 20

_BUSY = frozenset({429, 500, 502, 503, 504})
_NOT_BEGUN = frozenset({429, 503})
"""Answers that say that a request was not even begun, so that a POST may be repeated."""

_REFUSALS = {404: NotThereError, 409: ConflictError}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request. `body` opens a stream afresh for every try; `hide` is cut out of messages."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], AbstractContextManager[object]] | None = None
    hide: tuple[str, ...] = ()
    repeatable: bool = False
    """A POST that may be sent again without looking first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trouble:
    """Why a try failed in a way that another try may mend."""

    reason: str
    retry_after: float | None
    begun: bool
    """False where the service certainly did nothing."""


class Rest:
    """A service's REST interface, safe for many threads."""

    def __init__(
        self,
        service: str,
        adapter: Callable[[], Adapter],
        *,
        retry: Retry,
        slots: threading.BoundedSemaphore,
    ) -> None:
        """Open the adapter on first use; `slots` bounds the requests in flight."""
        self.service = service
        self.retry = retry
        self._open = adapter
        self._slots = slots
        self._silent_since: float | None = None
        self.calls = 0

    def get(self, path: str, **params: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
        """Read one thing."""
        return self.send(Call(method="GET", path=path, params=params))

    def post(self, path: str, body: Any, *, hide: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - JSON
        """Make a thing. Raises UncertainError where it may have been made without an answer."""
        return self.send(Call(method="POST", path=path, json=body, hide=hide))

    def post_again(self, path: str, body: Any) -> Any:  # noqa: ANN401 - JSON
        """Send a POST that sets rather than makes, so that repeating it does no harm."""
        return self.send(Call(method="POST", path=path, json=body, repeatable=True))

    def put(self, path: str, body: Any = None) -> Any:  # noqa: ANN401 - JSON
        """Set a thing."""
        return self.send(Call(method="PUT", path=path, json=body))

    def patch(self, path: str, body: Any, *, hide: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - JSON
        """Change a thing."""
        return self.send(Call(method="PATCH", path=path, json=body, hide=hide))

    def delete(self, path: str) -> None:
        """Delete a thing; one that is gone already is fine."""
        try:
            self.send(Call(method="DELETE", path=path))
        except NotThereError:
            return

    def pages(self, path: str, key: str, **params: Any) -> list[Row]:  # noqa: ANN401 - query values
        """Read a whole list, following the service's pages."""
        rows: list[Row] = []
        query: Mapping[str, Any] | None = params
        while query is not None:
            page = self.get(path, **query)
            rows += page[key]
            query = _next_query(page, key)
        return rows

    def send(self, call: Call) -> Any:  # noqa: ANN401 - JSON
        """Send a request, patiently. Raises CloudError or one of its kinds in refusals."""
        patience: Patience | None = None
        while True:
            answer = self._attempt(call)
            if not isinstance(answer, _Trouble):
                return answer
            if call.method == "POST" and answer.begun and not call.repeatable:
                raise UncertainError(
                    f"{self._name(call)}: {answer.reason}", retry_after=answer.retry_after
                )
            patience = patience or self._patience()
            if not patience.wait(answer.retry_after):
                raise CloudError(
                    f"{self._name(call)}: {answer.reason} (tried {patience.tries + 1} times)",
                    remedy=f"See that the {self.service} service is up, then run again.",
                )

    @contextmanager
    def reading(self, path: str) -> Iterator[Iterator[bytes]]:
        """Hand out something large in parts. Raises CloudError; nothing is asked for again."""
        from requests import RequestException

        call = Call(method="GET", path=path)
        with self._slots, self._transmit(call, stream=True) as response:
            if response.status_code >= 400:
                told = self._judge(call, response)
                raise CloudError(
                    f"{self._name(call)}: {told.reason}",
                    remedy=f"See that the {self.service} service is up, then run again.",
                )
            try:
                yield response.iter_content(PART_BYTES)
            except RequestException as failure:
                raise CloudError(
                    f"{self._name(call)} broke off: {failure}", remedy="Run it again."
                ) from failure

    def once(self, post: Callable[[], Row], find: Callable[[], Row | None]) -> Row:
        """Make a thing with `post`, but never twice.

        Where an answer is missing, `find` looks for the thing before the request is repeated.
        """
        patience = Patience(retry=self.retry)
        while True:
            try:
                return post()
            except UncertainError as uncertain:
                found = find()
                if found is not None:
                    return found
                if not patience.wait(uncertain.retry_after):
                    raise

    def _attempt(self, call: Call) -> Any:  # noqa: ANN401 - JSON or _Trouble
        from keystoneauth1 import exceptions

        try:
            with self._slots:
                response = self._transmit(call)
        except exceptions.ConnectFailure as failure:
            self._silent_since = self._silent_since or time.monotonic()
            return _Trouble(reason=str(failure), retry_after=None, begun=True)
        except exceptions.RetriableConnectionFailure as failure:
            return _Trouble(reason=str(failure), retry_after=None, begun=True)
        except exceptions.HttpServerError as failure:
            # Raised for the token, not for our own request: nothing was sent yet.
            reason = f"Keystone gives no token: {failure}"
            return _Trouble(reason=reason, retry_after=None, begun=False)
        except exceptions.ClientException as failure:
            raise CloudError(
                f"{self._name(call)}: {failure}",
                remedy="Check the cloud's entry in clouds.yaml and its service catalogue.",
            ) from failure
        self._silent_since = None
        return self._judge(call, response)

    def _transmit(self, call: Call, *, stream: bool = False) -> Response:
        self.calls += 1
        with ExitStack() as stack:
            content: dict[str, Any] = {} if call.json is None else {"json": call.json}
            if call.body is not None:
                content["data"] = stack.enter_context(call.body())
            return self._open().request(
                call.path,
                call.method,
                raise_exc=False,
                # keystoneauth would write request bodies, BMC passwords too, to its debug log.
                log=False,
                params=dict(call.params),
                headers=dict(call.headers),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                stream=stream,
                **content,
            )

    def _judge(self, call: Call, response: Response) -> Any:  # noqa: ANN401 - JSON or _Trouble
        if response.status_code < 400:
            return response.json() if response.content else {}
        said = _hidden(_words(response), call.hide)
        if response.status_code in _BUSY:
            return _Trouble(
                reason=f"{response.status_code}: {said}",
                retry_after=seconds_of(response.headers.get("Retry-After")),
                begun=response.status_code not in _NOT_BEGUN,
            )
        request_id = response.headers.get("x-openstack-request-id", "none")
        refusal = _REFUSALS.get(response.status_code, RequestRefusedError)
        raise refusal(
            f"{self._name(call)} was refused with {response.status_code}: {said}"
            f" (request {request_id})",
            status=response.status_code,
        )

    def _patience(self) -> Patience:
        """Give a request its time; a service silent for longer than that gets no more of it.

        So, when a service is down, only the first requests wait for it and the rest fail at once.
        """
        since = self._silent_since
        return Patience(retry=self.retry, since=time.monotonic() if since is None else since)

    def _name(self, call: Call) -> str:
        return f"{self.service} {call.method} {call.path}"


def _next_query(page: Row, key: str) -> Mapping[str, Any] | None:
    """Return the query of the next page.

    Only the query is taken from the link: behind a proxy its host and scheme are often wrong.
    """
    links = page.get("links")
    link = page.get("next") or (links.get("next") if isinstance(links, Mapping) else None)
    for candidate in page.get(f"{key}_links", ()):
        if candidate.get("rel") == "next":
            link = candidate["href"]
    if not link:
        return None
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(urlsplit(link).query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    return query


def _words(response: Response) -> str:
    """Return what the service says, out of whichever JSON its project writes errors in."""
    try:
        said = _message(response.json())
    except ValueError:
        said = None
    return (said or response.text or response.reason or "no reason given").strip()[:500]


def _message(body: Any) -> str | None:  # noqa: ANN401 - any JSON
    if isinstance(body, str):
        # Ironic wraps its fault as JSON text inside JSON.
        try:
            return _message(json.loads(body)) or body
        except ValueError:
            return body
    if not isinstance(body, Mapping):
        return None
    for key in ("faultstring", "message"):
        if isinstance(body.get(key), str):
            return str(body[key])
    return next((found for value in body.values() if (found := _message(value))), None)


def _hidden(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
