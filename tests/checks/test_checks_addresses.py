"""Addresses and prefixes: the quick answers are those of looking at every pair."""

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.checks.addresses import AddressSet, is_usable, nested_pairs
from orchestrator.checks.addressing import children_are_inside_parents, prefixes_do_not_overlap
from orchestrator.checks.index import SiteIndex
from orchestrator.model.network import NetworkLayer, Prefix, PrefixRole
from orchestrator.model.site import Site, SiteIdentity
from orchestrator.model.units import Source, Text

TODAY = date(2026, 11, 22)


def networks(version: int = 4) -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """Draw from a /24 (or a /120), so that many touch, nest and coincide."""
    bits, base = (32, int(ip_address("10.0.0.0"))) if version == 4 else (128, 1 << 100)

    def make(drawn: tuple[int, int]) -> IPv4Network | IPv6Network:
        length, host = drawn
        size = 1 << (bits - length)
        return ip_network((base + host // size * size, length))

    return st.tuples(st.integers(bits - 8, bits), st.integers(0, 255)).map(make)


MIXED = st.lists(networks(4) | networks(6), max_size=12)


@given(MIXED, networks(4) | networks(6))
def test_a_set_holds_what_one_of_its_prefixes_holds(prefixes: list, asked: object) -> None:
    addresses = AddressSet(prefixes)
    for address in (asked.network_address, asked.broadcast_address):
        expected = any(address.version == p.version and address in p for p in prefixes)
        assert addresses.holds(address) == expected
    held = {number for p in prefixes if p.version == asked.version for number in _numbers(p)}
    assert addresses.holds_all_of(asked) == (_numbers(asked) <= held)


def _numbers(network: object) -> set[int]:
    first = int(network.network_address)
    return set(range(first, first + network.num_addresses))


@given(MIXED)
def test_nested_pairs_are_each_network_with_the_smallest_around_it(prefixes: list) -> None:
    found = dict((inner, outer) for outer, inner in nested_pairs(prefixes))
    for inner, network in enumerate(prefixes):
        around = [
            other
            for index, other in enumerate(prefixes)
            if other.version == network.version
            and _numbers(network) <= _numbers(other)
            and (other != network or index < inner)
        ]
        assert (inner in found) == bool(around)
        if around:
            assert prefixes[found[inner]].prefixlen == max(each.prefixlen for each in around)


@given(networks(4) | networks(6), st.integers(0, 255))
def test_usable_addresses_are_those_that_python_calls_hosts(network: object, offset: int) -> None:
    address = network.network_address + offset % (network.num_addresses + 1)
    assert is_usable(address, network) == (address in set(network.hosts()))


def prefix(network: object, parent: object, line: int) -> Prefix:
    return Prefix(
        prefix=network,
        region="city",
        zone="mgmt",
        role=PrefixRole.SERVICE,
        parent=parent,
        source=Source(file="network.yaml", line=line, column=1),
    )


def site(prefixes: list[Prefix]) -> SiteIndex:
    identity = SiteIdentity(name="x", display=Text(zh="x", en="x"), cloud="x")
    declared = Site(identity=identity, regions=(), network=NetworkLayer(prefixes=tuple(prefixes)))
    return SiteIndex(declared, TODAY)


@given(st.lists(networks(4), max_size=10, unique=True), st.data())
def test_overlaps_are_found_as_by_comparing_every_pair(drawn: list, data: st.DataObject) -> None:
    """A pair may overlap only where one is an ancestor of the other."""
    parents = {
        each: data.draw(st.sampled_from([None, *(p for p in drawn if p != each)])) for each in drawn
    }
    declared = [prefix(each, parents[each], n) for n, each in enumerate(drawn, start=1)]
    index = site(declared)

    def ancestors(network: object) -> set[object]:
        seen: set[object] = set()
        while (network := parents[network]) is not None and network not in seen:
            seen.add(network)
        return seen

    undeclared = any(
        a != b and a.overlaps(b) and a not in ancestors(b) and b not in ancestors(a)
        for a in drawn
        for b in drawn
    )
    outside = any(
        parent is not None and not (network != parent and network.subnet_of(parent))
        for network, parent in parents.items()
    )
    assert bool(list(children_are_inside_parents.find(index))) == outside
    found = bool(list(prefixes_do_not_overlap.find(index)))
    if undeclared:
        assert found
    elif not outside:
        # Every parent is a real one, so an ancestor is declared step by step.
        skips = any(
            parents[b] is not None
            and any(
                a not in (b, parents[b]) and b.subnet_of(a) and a.subnet_of(parents[b])
                for a in drawn
            )
            for b in drawn
        )
        assert found == skips
