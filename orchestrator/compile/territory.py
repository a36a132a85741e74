"""Where things are: the addresses of each zone, region and flow end.

An address belongs to the zone of the smallest prefix around it. So a zone's addresses are its
prefixes, less what other zones or other regions have inside of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from orchestrator.model.network import INTERNET, NOT_INTERNET, Prefix
from orchestrator.model.site import Site

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Addresses of a flow's end in one region; the internet has neither region nor addresses."""

    region: str | None
    network: Network | None


OUTSIDE = Place(region=None, network=None)


class Territory:
    """The addresses of a site, by zone and region."""

    def __init__(self, site: Site) -> None:
        """Hold the site; addresses are worked out when asked for."""
        self._site = site

    def places(self, end: str) -> tuple[Place, ...]:
        """Return where a flow's end is, as few prefixes as cover exactly it.

        Raises:
            LookupError: the site declares no such end; `check` finds those first.
        """
        found = self._places.get(end)
        if found is None:
            raise LookupError(f"the site declares no {end}")
        return found

    @cached_property
    def inside(self) -> tuple[Network, ...]:
        """Return what is not the internet: the site's own prefixes and the private ranges."""
        own = (prefix.prefix for prefix in self._site.network.prefixes)
        projects = (p.prefix for t in self._site.tenancy.tenants for p in t.projects)
        return collapsed((*NOT_INTERNET, *own, *projects))

    @cached_property
    def _places(self) -> Mapping[str, tuple[Place, ...]]:
        found: dict[str, tuple[Place, ...]] = {INTERNET: (OUTSIDE,)}
        for zone in self._site.network.zones:
            found[f"zone/{zone.name}"] = tuple(
                Place(region=region, network=network)
                for (name, region), networks in sorted(self._by_zone_and_region.items())
                if name == zone.name
                for network in networks
            )
        for tenant in self._site.tenancy.tenants:
            for project in tenant.projects:
                place = Place(region=project.region, network=project.prefix)
                found[f"project/{tenant.name}/{project.name}"] = (place,)
        return found

    @cached_property
    def _by_zone_and_region(self) -> Mapping[tuple[str, str], tuple[Network, ...]]:
        parts: dict[tuple[str, str], list[Network]] = defaultdict(list)
        for prefix, strangers in _with_strangers(self._site.network.prefixes):
            parts[prefix.zone, prefix.region] += _without(prefix.prefix, strangers)
        return {key: collapsed(networks) for key, networks in parts.items()}


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Return the same addresses in as few prefixes as can be, IPv4 first."""
    known = list(networks)
    fours = [each for each in known if isinstance(each, IPv4Network)]
    sixes = [each for each in known if isinstance(each, IPv6Network)]
    return (*collapse_addresses(fours), *collapse_addresses(sixes))


def _with_strangers(prefixes: Sequence[Prefix]) -> Iterator[tuple[Prefix, list[Network]]]:
    """Yield each prefix with those inside of it that are of another zone or region."""
    ordered = sorted(prefixes, key=lambda each: (each.prefix.version, *_span(each.prefix)))
    for number, prefix in enumerate(ordered):
        last = int(prefix.prefix.broadcast_address)
        strangers = []
        for other in ordered[number + 1 :]:
            if other.prefix.version != prefix.prefix.version or _first(other.prefix) > last:
                break
            if (other.zone, other.region) != (prefix.zone, prefix.region):
                strangers.append(other.prefix)
        yield prefix, strangers


def _without(network: Network, holes: Iterable[Network]) -> list[Network]:
    left = [network]
    for hole in collapsed(holes):
        left = [part for each in left for part in _cut(each, hole)]
    return left


def _cut(network: Network, hole: Network) -> Iterator[Network]:
    if not network.overlaps(hole):
        yield network
    elif isinstance(network, IPv4Network) and isinstance(hole, IPv4Network):
        yield from network.address_exclude(hole) if hole.prefixlen > network.prefixlen else ()
    elif isinstance(network, IPv6Network) and isinstance(hole, IPv6Network):
        yield from network.address_exclude(hole) if hole.prefixlen > network.prefixlen else ()


def _first(network: Network) -> int:
    return int(network.network_address)


def _span(network: Network) -> tuple[int, int]:
    return _first(network), network.prefixlen
