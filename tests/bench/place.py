"""The lab that `make demo` leaves up, and what its access logs say of who called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from orchestrator.lab.record import read_record
from orchestrator.lab.settings import SERVICES, LabSettings
from tests.lab.town import ENVIRONMENT

ANSWER_SECONDS = 10
API_SERVICES = tuple(service for service in SERVICES if service != "bmc")
ID = re.compile(
    r"(?<=/)([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+)(?=/|$)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """What one kind of request looks like: its ids are replaced by {id}, its query is left out."""

    service: str
    method: str
    path: str


def lab_settings() -> LabSettings:
    """Return the settings of the lab that is named, or is here."""
    directory = Path(ENVIRONMENT.get("ORCHESTRATOR_LAB_DIR", ".lab")).resolve()
    venv = Path(ENVIRONMENT.get("ORCHESTRATOR_LAB_VENV", directory / "venv"))
    return LabSettings(directory=directory, venv=venv)


def why_not(settings: LabSettings) -> str:
    """Say why the lab cannot be used; nothing where it can."""
    record = read_record(settings)
    if record is None:
        return "there is no lab here"
    try:
        requests.get(f"{record.url('keystone')}/v3", timeout=ANSWER_SECONDS).raise_for_status()
    except requests.RequestException:
        return "the lab is not up"
    return ""


class AccessLogs:
    """The requests that the lab's services answer from now on."""

    def __init__(self, settings: LabSettings) -> None:
        """Mark where each log ends."""
        self._files = {service: settings.logs / f"{service}.access.log" for service in API_SERVICES}
        self._starts = {service: _size(file) for service, file in self._files.items()}

    def calls(self, *agents: str) -> Counter[Call]:
        """Count the requests of the agents whose User-Agent begins so."""
        return Counter(call for call, _ in self._of(agents))

    def answering_seconds(self, *agents: str) -> float:
        """Return how long the services worked on those requests, all added up."""
        return sum(seconds for _, seconds in self._of(agents))

    def _of(self, agents: tuple[str, ...]) -> Iterator[tuple[Call, float]]:
        for service, file in self._files.items():
            for line in _lines_from(file, self._starts[service]):
                # unixtime METHOD path?query status ms user-agent
                _, method, path, _, milliseconds, agent = line.split(" ", 5)
                if agent.startswith(agents):
                    call = Call(service=service, method=method, path=shape(path))
                    yield call, float(milliseconds) / 1000


def our_agents(site: str) -> tuple[str, ...]:
    """Return how our User-Agents begin.

    keystoneauth 5.18 asks for tokens under the program's bare name, whatever the app is called.
    """
    return (f"orchestrator-{site}/", "orchestrator ")


def shape(path: str) -> str:
    """Return a path without its query and with {id} for every id."""
    return ID.sub("{id}", path.partition("?")[0])


def by_service(calls: Counter[Call]) -> str:
    """Return how many calls went to each service, as words."""
    counts: Counter[str] = Counter()
    for call, count in calls.items():
        counts[call.service] += count
    return ", ".join(f"{service} {counts[service]}" for service in API_SERVICES if counts[service])


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _lines_from(file: Path, start: int) -> list[str]:
    if not file.exists():
        return []
    with file.open("rb") as log:
        log.seek(start)
        text = log.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.count(" ") >= 5]
