"""Read FRR configurations, and work out which region hears of which addresses by BGP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network

from orchestrator.verify.nft_rules import UnreadableError

Network = IPv4Network | IPv6Network


@dataclass(slots=True)
class Neighbor:
    """One BGP neighbour."""

    asn: int = 0
    inbound: dict[int, str] = field(default_factory=dict)
    """Prefix list by family."""
    outbound: dict[int, str] = field(default_factory=dict)
    active: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Router:
    """What one configuration says."""

    asn: int = 0
    addresses: set[str] = field(default_factory=set)
    neighbors: dict[str, Neighbor] = field(default_factory=dict)
    announced: set[Network] = field(default_factory=set)
    held: set[Network] = field(default_factory=set)
    """Networks with a route to nowhere, without which FRR announces nothing."""
    lists: dict[tuple[int, str], list[tuple[bool, Network | None]]] = field(default_factory=dict)


_KNOWN = {"frr", "hostname", "service", "exit", "exit-address-family", "end", "interface"}
_KNOWN |= {"description", "no", "bgp"}


def read_router(text: str) -> Router:
    """Return what a configuration says.

    Raises:
        UnreadableError: the text has a line that this reader does not know.
    """
    router = Router()
    family = 4
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("!") or words[0] in _KNOWN:
            continue
        if words[0] == "address-family":
            family = 6 if words[1] == "ipv6" else 4
        else:
            _take_or_refuse(words, router, family)
    return router


def _take_or_refuse(words: list[str], router: Router, family: int) -> None:
    try:
        known = _take(words, router, family)
    except ValueError as error:
        raise UnreadableError(f"{error}, in the line: {' '.join(words)}") from error
    if not known:
        raise UnreadableError(f"`{' '.join(words)}` is not known")


def _take(words: list[str], router: Router, family: int) -> bool:
    match words:
        case ["ip" | "ipv6", "address", address]:
            router.addresses.add(str(ip_interface(address).ip))
        case [
            "ip" | "ipv6" as which,
            "prefix-list",
            name,
            "seq",
            _,
            "permit" | "deny" as act,
            what,
        ]:
            rules = router.lists.setdefault((6 if which == "ipv6" else 4, name), [])
            rules.append((act == "permit", None if what == "any" else ip_network(what)))
        case ["ip" | "ipv6", "route", network, "blackhole"]:
            router.held.add(ip_network(network))
        case ["router", "bgp", number]:
            router.asn = int(number)
        case ["network", network]:
            router.announced.add(ip_network(network))
        case ["neighbor", peer, *rest]:
            return _neighbor(rest, router.neighbors.setdefault(peer, Neighbor()), family)
        case _:
            return False
    return True


def _neighbor(words: list[str], neighbor: Neighbor, family: int) -> bool:
    match words:
        case ["remote-as", number]:
            neighbor.asn = int(number)
        case ["activate"]:
            neighbor.active.add(family)
        case ["prefix-list", name, "in"]:
            neighbor.inbound[family] = name
        case ["prefix-list", name, "out"]:
            neighbor.outbound[family] = name
        case ["description" | "timers", *_]:
            pass
        case _:
            return False
    return True


def heard_by_region(regions: Mapping[str, Sequence[Router]]) -> dict[str, set[Network]]:
    """Return what the routers of each region know together, after all has been told."""
    routers = {
        f"{region}/{number}": router
        for region, each in regions.items()
        for number, router in enumerate(each)
    }
    known: dict[str, set[Network]] = {region: set() for region in regions}
    for name, networks in heard(routers).items():
        known[name.rpartition("/")[0]] |= networks
    return known


def heard(routers: Mapping[str, Router]) -> dict[str, set[Network]]:
    """Return what each router knows after BGP has told everything there is to tell."""
    known = {name: router.announced & router.held for name, router in routers.items()}
    sessions = list(_sessions(routers))
    told = True
    while told:
        told = False
        for speaker, listener, to_listener, from_speaker in sessions:
            for network in sorted(known[speaker] - known[listener], key=str):
                version = network.version
                if _passes(routers[speaker], to_listener.outbound.get(version), network) and (
                    _passes(routers[listener], from_speaker.inbound.get(version), network)
                    and version in to_listener.active & from_speaker.active
                ):
                    known[listener].add(network)
                    told = True
    return known


def _sessions(
    routers: Mapping[str, Router],
) -> Iterator[tuple[str, str, Neighbor, Neighbor]]:
    """Yield the sessions that come up, once for each direction."""
    at = {address: name for name, router in routers.items() for address in router.addresses}
    for speaker, router in routers.items():
        for peer, neighbor in router.neighbors.items():
            listener = at.get(peer)
            if listener is None or neighbor.asn != routers[listener].asn:
                continue
            for back, answer in routers[listener].neighbors.items():
                if back in router.addresses and answer.asn == router.asn and _one_line(back, peer):
                    yield speaker, listener, neighbor, answer


def _one_line(one: str, other: str) -> bool:
    """Say whether two addresses are the ends of one line: at most three numbers apart."""
    first, second = ip_interface(one).ip, ip_interface(other).ip
    return first.version == second.version and abs(int(first) - int(second)) <= 3


def _passes(router: Router, name: str | None, network: Network) -> bool:
    """Say whether a prefix list lets a network through; no list lets nothing through (RFC 8212)."""
    for permit, what in router.lists.get((network.version, name or ""), []):
        if what is None or what == network:
            return permit
    return False
