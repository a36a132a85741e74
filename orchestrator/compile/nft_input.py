"""What may be sent to a zone firewall itself: its administration and what keeps IP alive.

SSH is let in from the management prefixes of its own region, where its address is, and from where
a declared flow opens port 22 to them. Everything else is refused, so that no tenant can even try a
password. An nftables machine is no router with BGP: nothing is opened for one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.compile.permits import Permit
from orchestrator.compile.territory import Network, collapsed
from orchestrator.model.network import PrefixRole, Protocol
from orchestrator.model.site import Site

SSH = 22

_KEPT_ALIVE = (
    "icmp type echo-request",
    "icmpv6 type echo-request",
    # Without these two IPv6 finds no neighbour (RFC 4861). Errors about known connections are let
    # in by their state.
    "icmpv6 type nd-neighbor-solicit",
    "icmpv6 type nd-neighbor-advert",
)


def administrators(site: Site, region: str, permits: Sequence[Permit]) -> tuple[Network, ...]:
    """Return from where the firewalls of a region are administered; `permits` are the region's."""
    own = [
        prefix.prefix
        for prefix in site.network.prefixes
        if prefix.region == region and prefix.role is PrefixRole.MANAGEMENT
    ]
    return collapsed([*own, *(each for permit in permits if (each := _source(permit, own)))])


def input_chain(families: Sequence[int]) -> Iterator[str]:
    """Yield the rules, for a chain that stands in a table with sets `administrators4` and `6`."""
    yield "type filter hook input priority filter; policy drop;"
    yield "ct state vmap { established : accept, related : accept, invalid : drop }"
    yield 'iifname "lo" accept'
    yield from (f"{each} accept" for each in _KEPT_ALIVE)
    for version in families:
        family = "ip" if version == 4 else "ip6"
        yield f"{family} saddr @administrators{version} tcp dport {SSH} counter accept"
    yield "counter drop"


def _source(permit: Permit, management: Sequence[Network]) -> Network | None:
    """Return where a permit lets SSH begin that leads to the management prefixes."""
    first, last = permit.ports or (0, 0)
    if permit.protocol is not Protocol.TCP or not first <= SSH <= last:
        return None
    there = permit.destination
    if there is None or not any(_overlap(there, prefix) for prefix in management):
        return None
    return permit.source


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)
