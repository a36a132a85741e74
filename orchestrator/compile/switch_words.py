"""What Huawei VRP and H3C Comware write alike: names, VLANs, and the rules of an access list."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.compile.acl import AccessList, Line
from orchestrator.compile.permits import PortSpan
from orchestrator.compile.switch import SwitchConfig
from orchestrator.compile.territory import Network

RULE_STEP = 5


def opening(config: SwitchConfig) -> Iterator[str]:
    """Yield where the configuration comes from, the switch's name, and its VLANs."""
    yield from (f"# {line}" for line in config.head)
    yield "#"
    yield f"sysname {config.device.name}"
    for vlan in config.vlans:
        yield from (
            "#",
            f"vlan {vlan.vlan_id}",
            f" name {vlan.name}",
            f" description zone {vlan.zone}",
        )


def rules(access_list: AccessList, *, established: str) -> Iterator[str]:
    """Yield a list's rules, numbered in steps; the two vendors differ in one word only."""
    for number, line in enumerate(access_list.lines, start=1):
        words = ["rule", str(RULE_STEP * number), "permit" if line.permit else "deny"]
        words += _match(line, access_list.version)
        words += [established] if line.established else []
        words += ["logging"] if line.logging else []
        yield " " + " ".join(words)


def _match(line: Line, version: int) -> Iterator[str]:
    six = version == 6
    yield (
        {"icmp": "icmpv6", "ip": "ipv6"}.get(line.protocol, line.protocol) if six else line.protocol
    )
    for side, network, ports in (
        ("source", line.source, line.source_ports),
        ("destination", line.destination, line.destination_ports),
    ):
        if network:
            yield f"{side} {_network(network)}"
        if ports:
            yield f"{side}-port {_ports(ports)}"
    if line.icmp:
        yield f"{'icmp6-type' if six else 'icmp-type'} {line.icmp}"


def _network(network: Network) -> str:
    if network.version == 6:
        return str(network)
    return f"{network.network_address} {network.hostmask if network.prefixlen < 32 else 0}"


def _ports(ports: PortSpan) -> str:
    first, last = ports
    return f"eq {first}" if first == last else f"range {first} {last}"
