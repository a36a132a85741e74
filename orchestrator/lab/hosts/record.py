"""What the lab remembers of its hosts between commands: hosts.json in their folder."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.errors import LabError
from orchestrator.lab.hosts.spec import HostSpec
from orchestrator.lab.record import read_private, write_private

FILE = "hosts.json"
FIRST_NUMBER = 11
"""Of the first host in its network: the gateway is 1, and a few are left for people."""

LAST_NUMBER = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class BootedHost:
    """A host, and the number that it has in the lab's network."""

    spec: HostSpec
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HostsRecord:
    """The hosts of one lab, their network and their image."""

    bridge: str
    prefix: str
    """A /24 of 198.18.0.0/15."""
    image: str
    """The root of the image that hosts boot where nothing else was deployed."""
    hosts: tuple[BootedHost, ...] = ()

    def address(self, host: BootedHost) -> str:
        """Return where a host is reached."""
        return str(ipaddress.IPv4Network(self.prefix)[host.number])

    @property
    def gateway(self) -> str:
        """Return the bridge's own address."""
        return str(ipaddress.IPv4Network(self.prefix)[1])

    def machine(self, host: BootedHost) -> str:
        """Return what a host is called on this machine, which has other labs, too."""
        return f"{self.bridge}-{host.number}"

    @property
    def machines(self) -> str:
        """Return the pattern of all its hosts' names on this machine."""
        return f"{self.bridge}-*"

    def by_name(self) -> Mapping[str, BootedHost]:
        """Index the hosts."""
        return {host.spec.name: host for host in self.hosts}

    def with_hosts(self, specs: Sequence[HostSpec]) -> HostsRecord:
        """Return the record with other hosts; those that stay keep their numbers.

        Raises:
            LabError: there are more hosts than the network has addresses.
        """
        known = {name: host.number for name, host in self.by_name().items()}
        kept = {known[spec.name] for spec in specs if spec.name in known}
        free = (n for n in range(FIRST_NUMBER, LAST_NUMBER + 1) if n not in kept)
        if len(specs) > LAST_NUMBER - FIRST_NUMBER + 1:
            raise LabError(f"the lab boots at most {LAST_NUMBER - FIRST_NUMBER + 1} hosts")
        return replace(
            self,
            hosts=tuple(
                BootedHost(spec=spec, number=known.get(spec.name) or next(free)) for spec in specs
            ),
        )


def read_hosts(folder: Path) -> HostsRecord | None:
    """Return the record, or None where the lab has no hosts.

    Raises:
        LabError: it cannot be read.
    """
    raw = read_private(folder / FILE)
    if raw is None:
        return None
    hosts = tuple(
        BootedHost(spec=_spec(each["spec"]), number=each["number"]) for each in raw["hosts"]
    )
    return HostsRecord(bridge=raw["bridge"], prefix=raw["prefix"], image=raw["image"], hosts=hosts)


def _spec(raw: Mapping[str, Any]) -> HostSpec:
    return HostSpec(**{**raw, "neighbours": tuple(raw.get("neighbours", ()))})


def write_hosts(folder: Path, record: HostsRecord) -> None:
    """Remember the hosts."""
    write_private(folder / FILE, json.dumps(asdict(record), indent=1) + "\n")
