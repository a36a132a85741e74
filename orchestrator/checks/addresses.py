"""Questions about addresses and prefixes, answered without looking at every prefix each time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressSet:
    """The addresses of some prefixes, as sorted spans that do not overlap, per IP version."""

    def __init__(self, networks: Iterable[Network]) -> None:
        """Merge the prefixes into spans."""
        spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for network in networks:
            spans[network.version].append(span_of(network))
        self._spans = {version: _merge(found) for version, found in spans.items()}

    def holds(self, address: Address) -> bool:
        """Say whether an address lies in one of the prefixes."""
        return self._holds(address.version, int(address), int(address))

    def holds_all_of(self, network: Network) -> bool:
        """Say whether every address of a prefix lies in them."""
        return self._holds(network.version, *span_of(network))

    def _holds(self, version: int, first: int, last: int) -> bool:
        spans = self._spans[version]
        index = bisect_right(spans, first, key=lambda span: span[0]) - 1
        return index >= 0 and last <= spans[index][1]


def span_of(network: Network) -> tuple[int, int]:
    """Return the first and the last address as numbers."""
    first = int(network.network_address)
    return first, first + network.num_addresses - 1


def is_usable(address: Address, network: Network) -> bool:
    """Say whether a host may have the address: inside, and neither network nor broadcast."""
    if address.version != network.version:
        return False
    first, last = span_of(network)
    number = int(address)
    if not first <= number <= last:
        return False
    # RFC 3021 and RFC 6164: in the two smallest sizes every address is a host's.
    if network.prefixlen >= network.max_prefixlen - 1:
        return True
    return number != first and (network.version == 6 or number != last)


def nested_pairs(networks: Iterable[Network]) -> Iterator[tuple[int, int]]:
    """Yield (outer, inner) positions: each network with the smallest other one around it.

    Two equal networks give a pair, too, the earlier one as the outer. Two networks overlap only if
    one contains the other, so the pairs show every overlap, though not each twice over.
    """
    spans = [(network.version, *span_of(network), index) for index, network in enumerate(networks)]
    ordered = sorted(spans, key=lambda each: (each[0], each[1], -each[2], each[3]))
    around: list[tuple[int, int, int]] = []
    for version, first, last, index in ordered:
        while around and (around[-1][0] != version or around[-1][1] < first):
            around.pop()
        if around:
            yield around[-1][2], index
        around.append((version, last, index))


def _merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
