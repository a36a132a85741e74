"""One service over REST, against a server that misbehaves as real ones do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import Password
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session

from orchestrator.errors import CloudError
from orchestrator.providers.openstack.refusals import ConflictError, NotThereError, UncertainError
from orchestrator.providers.openstack.rest import Call, Rest
from orchestrator.providers.patience import Retry, seconds_of

QUICK = Retry(total_seconds=3.0, first_pause_seconds=0.01, longest_pause_seconds=0.05)

Answer = tuple[int, dict[str, str], Any]
DROP = (0, {}, None)
"""The connection is closed without an answer."""


@dataclass
class Service:
    """A service on loopback that gives the prepared answers in turn, and then the last for ever."""

    answers: list[Answer] = field(default_factory=list)
    seen: list[tuple[str, str, float]] = field(default_factory=list)
    things: list[dict[str, Any]] = field(default_factory=list)
    makes_before: bool = False
    """A POST takes effect although its answer says otherwise."""
    url: str = ""

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def asked(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.seen]


def handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            service.seen.append((self.command, self.path, time.monotonic()))
            if self.command == "GET" and self.path.startswith("/things"):
                self.give(200, {}, {"things": service.things})
                return
            status, headers, content = service.next()
            if self.command == "POST" and (status == 201 or service.makes_before):
                service.things.append(json.loads(body))
            if status == 0:
                self.close_connection = True
                return
            self.give(status, headers, content)

        def give(self, status: int, headers: dict[str, str], content: Any) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the base's names

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(service))
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield service
    server.shutdown()
    thread.join(5)
    server.server_close()


Open = Callable[..., Rest]


@pytest.fixture
def open_rest() -> Iterator[Open]:
    pools: list[requests.Session] = []

    def open_one(url: str, *, retry: Retry = QUICK) -> Rest:
        pools.append(requests.Session())
        session = Session(auth=NoAuth(endpoint=url), session=pools[-1])
        adapter = Adapter(session, endpoint_override=url)
        slots = threading.BoundedSemaphore(4)
        return Rest("network", lambda: adapter, retry=retry, slots=slots)

    yield open_one
    for pool in pools:
        pool.close()


def test_too_many_requests_waits_as_long_as_it_is_asked_to(
    service: Service, open_rest: Open
) -> None:
    service.answers = [(429, {"Retry-After": "1"}, {}), (200, {}, {"ok": True})]
    assert open_rest(service.url).put("/quota") == {"ok": True}
    first, second = (at for _, _, at in service.seen)
    assert 1.0 <= second - first < 2.5


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_service_in_trouble_is_asked_again(
    service: Service, open_rest: Open, status: int
) -> None:
    service.answers = [(status, {}, {}), (status, {}, {}), (200, {}, {"ok": True})]
    assert open_rest(service.url).get("/x") == {"ok": True}
    assert service.asked == ["GET /x"] * 3


def test_a_dropped_connection_is_tried_again(service: Service, open_rest: Open) -> None:
    service.answers = [DROP, (200, {}, {"ok": True})]
    assert open_rest(service.url).put("/x") == {"ok": True}


def test_trying_again_ends(service: Service, open_rest: Open) -> None:
    service.answers = [(503, {}, {"message": "database is away"})]
    begun = time.monotonic()
    with pytest.raises(CloudError, match="network GET /x: 503: database is away") as failed:
        open_rest(service.url, retry=Retry(total_seconds=0.3, first_pause_seconds=0.01)).get("/x")
    assert time.monotonic() - begun < 1.0
    assert "network service is up" in failed.value.remedy


def test_a_wait_that_is_too_long_is_not_begun(service: Service, open_rest: Open) -> None:
    service.answers = [(503, {"Retry-After": "3600"}, {})]
    begun = time.monotonic()
    with pytest.raises(CloudError):
        open_rest(service.url).get("/x")
    assert time.monotonic() - begun < 1.0
    assert len(service.seen) == 1


@pytest.mark.parametrize("trouble", [DROP, (500, {}, {}), (504, {}, {})])
def test_a_post_that_may_have_worked_is_looked_up_before_it_is_repeated(
    service: Service, open_rest: Open, trouble: Answer
) -> None:
    service.answers = [trouble, (201, {}, {"thing": "second"})]
    service.makes_before = True
    rest = open_rest(service.url)

    def find() -> Any:
        found = rest.get("/things")["things"]
        return found[0] if found else None

    made = rest.once(lambda: rest.post("/things", {"name": "a"}), find)
    assert made == {"name": "a"}
    assert service.asked == ["POST /things", "GET /things"]


def test_a_post_that_did_not_work_is_repeated_after_looking(
    service: Service, open_rest: Open
) -> None:
    service.answers = [DROP, (201, {}, {"name": "a"})]
    rest = open_rest(service.url)
    made = rest.once(lambda: rest.post("/things", {"name": "a"}), lambda: None)
    assert made == {"name": "a"}
    assert service.asked == ["POST /things"] * 2


def test_a_post_alone_is_never_repeated(service: Service, open_rest: Open) -> None:
    service.answers = [DROP, (201, {}, {})]
    with pytest.raises(UncertainError):
        open_rest(service.url).post("/things", {})
    assert service.asked == ["POST /things"]


def test_a_post_refused_for_load_is_repeated_without_looking(
    service: Service, open_rest: Open
) -> None:
    service.answers = [(429, {"Retry-After": "0"}, {}), (201, {}, {"name": "a"})]
    assert open_rest(service.url).post("/things", {"name": "a"}) == {"name": "a"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": 409, "message": "keystone says"}}, "keystone says"),
        ({"NeutronError": {"type": "X", "message": "neutron says", "detail": ""}}, "neutron says"),
        ({"conflictingRequest": {"message": "nova says"}}, "nova says"),
        ({"error_message": '{"faultstring": "ironic says", "debuginfo": null}'}, "ironic says"),
        ("only text", "only text"),
    ],
)
def test_a_refusal_is_told_in_the_services_words(
    service: Service, open_rest: Open, body: Any, words: str
) -> None:
    service.answers = [(409, {"x-openstack-request-id": "req-1"}, body)]
    with pytest.raises(ConflictError, match=words) as refused:
        open_rest(service.url).put("/x/1", {})
    assert "network PUT /x/1" in refused.value.message
    assert "req-1" in refused.value.message
    assert len(service.seen) == 1


def test_a_secret_in_a_refusal_is_cut_out(service: Service, open_rest: Open) -> None:
    service.answers = [(400, {}, {"message": "'hunter2' is too short"})]
    with pytest.raises(CloudError, match=r"'\*\*\*' is too short"):
        open_rest(service.url).post("/users", {"password": "hunter2"}, hide=("hunter2",))


def test_what_is_gone_is_as_good_as_deleted(service: Service, open_rest: Open) -> None:
    service.answers = [(404, {}, {})]
    rest = open_rest(service.url)
    rest.delete("/x/1")
    with pytest.raises(NotThereError):
        rest.get("/x/1")


@pytest.mark.parametrize(
    "link",
    [
        {"links": {"next": "http://wrong-host/v3/rows?marker=m&limit=1"}},
        {"next": "/v2/rows?marker=m&limit=1"},
        {"rows_links": [{"rel": "next", "href": "http://wrong-host/rows?marker=m&limit=1"}]},
    ],
)
def test_pages_are_followed_to_the_end(
    service: Service, open_rest: Open, link: dict[str, Any]
) -> None:
    service.answers = [
        (200, {}, {"rows": [{"id": 1}], **link}),
        (200, {}, {"rows": [{"id": 2}], "links": {"next": None}}),
    ]
    assert open_rest(service.url).pages("/rows", "rows", limit=1) == [{"id": 1}, {"id": 2}]
    assert service.asked == ["GET /rows?limit=1", "GET /rows?marker=m&limit=1"]


def test_when_a_service_is_down_only_the_first_request_waits_for_it(open_rest: Open) -> None:
    rest = open_rest("http://127.0.0.1:9", retry=Retry(total_seconds=0.6, first_pause_seconds=0.1))
    with pytest.raises(CloudError, match="tried"):
        rest.get("/x")
    begun = time.monotonic()
    with pytest.raises(CloudError):
        rest.get("/y")
    assert time.monotonic() - begun < 0.4


def test_keystone_being_away_is_said_plainly() -> None:
    with requests.Session() as pool:
        auth = Password(auth_url="http://127.0.0.1:9/v3", username="u", password="hunter2")
        adapter = Adapter(Session(auth=auth, session=pool), service_type="network")
        rest = Rest(
            "network",
            lambda: adapter,
            retry=Retry(total_seconds=0.2, first_pause_seconds=0.05),
            slots=threading.BoundedSemaphore(1),
        )
        with pytest.raises(CloudError, match=r"127\.0\.0\.1:9") as failed:
            rest.send(Call(method="GET", path="/networks"))
    assert "hunter2" not in failed.value.message


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        (None, None, None),
        ("soon", None, None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(
    header: str | None, least: float | None, most: float | None
) -> None:
    seconds = seconds_of(header)
    assert seconds is None if least is None else least <= (seconds or 0) <= (most or 0)
