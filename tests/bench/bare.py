"""A client without SDK, engine or state, which makes what a site declares as fast as it can.

It looks at nothing before and compares nothing after: what it takes is the services' own time.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import requests

from orchestrator.lab.clouds import cloud_entry
from orchestrator.lab.record import LabRecord

AGENT = "bare-client/1"
THREADS = 16
TIMEOUT_SECONDS = (10, 120)
TASK_SECONDS = 300
TRIES = 10
PAUSE_SECONDS = 0.5
UNAUTHORIZED, NOT_FOUND, CONFLICT = 401, 404, 409

PATHS = {
    "keystone": "/v3",
    "neutron": "/v2.0",
    "nova": "/v2.1",
    "glance": "/v2",
    "cinder": "/v3",
}
Undo = tuple[str, str, str, Any]
"""Method, service, path, body."""


class BareClient:
    """Requests to a lab as its administrator, so many at once, and how to take them back."""

    def __init__(self, record: LabRecord, *, requests_at_once: int) -> None:
        """Log in."""
        self.made: Counter[str] = Counter()
        self.projects: list[str] = []
        """Ids of projects; Neutron gives each a security group that nobody asked for."""
        self._record = record
        self._slots = threading.BoundedSemaphore(requests_at_once)
        self._pool = ThreadPoolExecutor(THREADS)
        self._tasks: list[Future[Any]] = []
        self._local = threading.local()
        self._lock = threading.Lock()
        self._undo: list[Undo] = []
        auth = cloud_entry(record)["auth"]
        domain = {"name": auth["user_domain_name"]}
        self._token = self.token(
            {"name": auth["username"], "password": auth["password"], "domain": domain},
            {"name": auth["project_name"], "domain": {"name": auth["project_domain_name"]}},
        )

    def token(self, user: Mapping[str, Any], project: Mapping[str, Any]) -> str:
        """Log in as a user in a project."""
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"project": project}}}
        answer = self._sent("POST", "keystone", "/auth/tokens", json=body, token=None)
        answer.raise_for_status()
        return answer.headers["X-Subject-Token"]

    def call(self, method: str, service: str, path: str, **content: Any) -> Any:
        """Send a request and return its JSON. Raises RuntimeError where it is refused."""
        answer = self._sent(method, service, path, **content)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {service}{path}: {answer.status_code} {answer.text}")
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.json() if is_json and answer.content else {}

    def make(self, kind: str, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """Make an object that a DELETE of its id takes back; return it."""
        answer = self.call("POST", service, path, json=body)
        row = next(iter(answer.values())) if len(body) == 1 else answer
        self.undo("DELETE", service, f"{path}/{row['id']}")
        self.made[kind] += 1
        return row

    def put(self, kind: str, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Set what a DELETE of the same path takes back."""
        answer = self.call("PUT", service, path, json=body)
        self.undo("DELETE", service, path)
        self.made[kind] += 1
        return answer

    def undo(self, method: str, service: str, path: str, body: Any = None) -> None:
        """Remember how something is taken back."""
        with self._lock:
            self._undo.append((method, service, path, body))

    def patiently(self, work: Callable[[], Any]) -> Any:
        """Do what Keystone refuses in the second in which a password was set."""
        for _ in range(TRIES):
            try:
                return work()
            except (RuntimeError, requests.HTTPError) as error:
                if str(UNAUTHORIZED) not in str(error):
                    raise
                last = error
            time.sleep(PAUSE_SECONDS)
        raise last

    def later(self, work: Callable[..., Any], *needs: Any) -> Future[Any]:
        """Do work once what it needs is there. Needs come first, or nothing would get on."""

        def run() -> Any:
            return work(*(_value(need) for need in needs))

        task = self._pool.submit(run)
        self._tasks.append(task)
        return task

    def finish(self) -> None:
        """Wait for all work; the first that failed fails it all."""
        for task in self._tasks:
            task.result(timeout=TASK_SECONDS)

    def close(self) -> list[str]:
        """Stop, take back all that was made, the last first; return what could not be."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        left = [
            fault
            for method, service, path, body in (*reversed(self._undo), *self._default_groups())
            if (fault := self._take_back(method, service, path, body))
        ]
        self._undo.clear()
        return left

    def _default_groups(self) -> Iterator[Undo]:
        for project_id in self.projects:
            path = f"/security-groups?project_id={project_id}&fields=id"
            for group in self.call("GET", "neutron", path)["security_groups"]:
                yield "DELETE", "neutron", f"/security-groups/{group['id']}", None

    def _take_back(self, method: str, service: str, path: str, body: Any) -> str:
        for _ in range(TRIES):
            answer = self._sent(method, service, path, json=body)
            if answer.status_code < 400 or answer.status_code == NOT_FOUND:
                return ""
            if answer.status_code != CONFLICT:
                break
            time.sleep(PAUSE_SECONDS)
        return f"{method} {service}{path}: {answer.status_code} {answer.text[:200]}"

    def _sent(
        self, method: str, service: str, path: str, *, token: str | None = "", **content: Any
    ) -> requests.Response:
        """Send a request: with the administrator's token, another one, or (None) without."""
        headers = {"User-Agent": AGENT, **content.pop("headers", {})}
        if token is not None:
            headers["X-Auth-Token"] = token or self._token
        url = f"{self._record.url(service)}{PATHS[service]}{path}"
        with self._slots:
            return self._session().request(
                method, url, headers=headers, timeout=TIMEOUT_SECONDS, **content
            )

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _value(need: Any) -> Any:
    return need.result(timeout=TASK_SECONDS) if isinstance(need, Future) else need
