"""Compare what compiled texts open with what the flows declare, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network

from orchestrator.model.site import RegionKind, Site
from orchestrator.verify import nft_rules, switch_text
from orchestrator.verify.boxes import Box, Cover, Kind, Opened
from orchestrator.verify.intent import Intent, shown
from orchestrator.verify.nft_rules import Chain, Ruleset, UnreadableError
from orchestrator.verify.nft_text import read_nft
from orchestrator.verify.routing_text import heard_by_region, read_router
from orchestrator.verify.switch_text import SwitchText, read_switch


class Fault(StrEnum):
    """What is wrong with a compiled text."""

    UNDECLARED = "undeclared"
    """It lets through what no flow declares."""
    CLOSED = "closed"
    """It refuses what a flow declares."""
    UNREADABLE = "unreadable"
    MISPLACED = "misplaced"
    """A VLAN, a binding or a route is missing, or one is there that should not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing that a text does and the flows do not say, or the other way round."""

    fault: Fault
    detail: str
    rule: str = ""
    """The rule or the flow that it comes from."""
    from_: str = ""
    to: str = ""
    family: str = ""
    protocol: str = ""
    ports: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How one text was judged."""

    target: str
    name: str
    compared: int
    """How many declared openings were looked for, and openings, VLANs and routes judged."""
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Say whether the text does what the flows say, no more and no less."""
        return not self.differences


class Judge:
    """Judges texts against the flows of one site on one day."""

    def __init__(self, site: Site, *, today: date) -> None:
        """Hold the site."""
        self._site = site
        self._intent = Intent(site, today=today)
        self._declared: dict[str, tuple[list[Opened], Cover]] = {}
        self._lists: dict[tuple[str, object], tuple[int, list[Difference]]] = {}

    def firewall(self, region: str, text: str) -> Verdict:
        """Judge a region's nftables ruleset, as it was written."""
        return self._judged("nftables", region, lambda: self._firewall(region, read_nft(text)))

    def loaded_firewall(
        self, region: str, read: Callable[[], Ruleset], *, name: str = ""
    ) -> Verdict:
        """Judge a region's nftables ruleset, as a kernel gave it back; `name` is the device's."""
        return self._judged(
            "nftables in the kernel", name or region, lambda: self._firewall(region, read())
        )

    def switch(self, name: str, text: str, *, kind: str, region: str) -> Verdict:
        """Judge a switch's VLANs, lists and where they stand."""
        return self._judged(kind, name, lambda: self._switch(name, region, read_switch(text)))

    def routers(self, texts: Mapping[str, Sequence[str]]) -> Verdict:
        """Judge the FRR configurations of all regions together: who hears of whom."""
        return self._judged("frr", "all regions", lambda: self._routes(texts))

    @staticmethod
    def _judged(
        target: str, name: str, judge: Callable[[], tuple[int, list[Difference]]]
    ) -> Verdict:
        try:
            compared, differences = judge()
        except UnreadableError as error:
            compared = 0
            differences = [Difference(fault=Fault.UNREADABLE, detail=str(error))]
        return Verdict(target=target, name=name, compared=compared, differences=tuple(differences))

    def _firewall(self, region: str, ruleset: Ruleset) -> tuple[int, list[Difference]]:
        entitled = list(self._intent.administration(region))
        through = self._chain(ruleset.forward, self._of_region(region))
        itself = self._chain(ruleset.input, (entitled, Cover(entitled)), word=", to itself")
        return through[0] + itself[0], [*through[1], *itself[1]]

    def _chain(
        self, chain: Chain, wanted: tuple[Sequence[Opened], Cover], *, word: str = ""
    ) -> tuple[int, list[Difference]]:
        declared, cover = wanted
        found = list(nft_rules.opened(chain))
        differences = [
            *self._undeclared(found, cover, word),
            *self._closed(declared, Cover(found), word),
        ]
        if not chain.keeps_state:
            detail = f"The rules do not begin with the states of connections{word}."
            differences.append(Difference(fault=Fault.MISPLACED, detail=detail))
        return len(declared) + len(found), differences

    def _switch(self, name: str, region: str, switch: SwitchText) -> tuple[int, list[Difference]]:
        compared, differences = len(switch.vlans), list(self._placed(name, region, switch))
        for version, rules in switch.lists.values():
            # Switches of a region share their lists; each list is judged once.
            key = (region, tuple(rules))
            if key not in self._lists:
                self._lists[key] = self._list(region, version, rules)
            compared += self._lists[key][0]
            differences += self._lists[key][1]
        return compared, differences

    def _list(
        self, region: str, version: int, rules: Sequence[switch_text.AclRule]
    ) -> tuple[int, list[Difference]]:
        declared = [each for each in self._of_region(region)[0] if each.kind.version == version]
        fabric = [each for each in self._intent.fabric(region) if each.kind.version == version]
        allowed = Cover([*declared, *fabric])
        compared, differences = 0, list[Difference]()
        for replies in (False, True):
            found = list(switch_text.opened(version, rules, replies=replies))
            compared += len(declared) + len(found)
            word = ", the way back" if replies else ""
            differences += self._undeclared(found, allowed, word)
            differences += self._closed(declared, Cover(found), word)
        return compared, differences

    def _placed(self, name: str, region: str, switch: SwitchText) -> Iterator[Difference]:
        device = next(each for each in self._site.network.devices if each.name == name)
        vlans = {v.vlan_id: v for v in self._site.network.vlans if v.region == region}
        for number in sorted(set(switch.vlans) - set(vlans)):
            detail = f"VLAN {number} is declared nowhere in {region}."
            yield Difference(fault=Fault.MISPLACED, detail=detail)
        roles = {"management", "out-of-band"} if device.role == "out-of-band" else None
        prefixes = [p for p in self._site.network.prefixes if p.region == region and p.vlan]
        for number, vlan in vlans.items():
            mine = [p for p in prefixes if p.vlan == vlan.name]
            if roles and not any(p.role.value in roles for p in mine):
                continue
            if switch.vlans.get(number) != vlan.name:
                detail = f"VLAN {number} ({vlan.name}) is missing."
                yield Difference(fault=Fault.MISPLACED, detail=detail)
            needs = any(p.gateway for p in mine) and bool(switch.lists)
            if needs and switch.filtered.get(number) != set(switch.lists):
                detail = f"The interface of VLAN {number} ({vlan.name}) is not filtered."
                yield Difference(fault=Fault.MISPLACED, detail=detail)
        if self._joins(device.role.value, region) and len(switch.lists) != 2:
            detail = "It joins the VLANs of its region and has not both access lists."
            yield Difference(fault=Fault.MISPLACED, detail=detail)

    def _joins(self, role: str, region: str) -> bool:
        """Say whether such switches join a region's VLANs: spines do, leaves where none are."""
        roles = {
            each.role.value
            for each in self._site.network.devices
            if self._site.region_of_rack(each.rack) == region
        }
        return role == "spine" or (role == "leaf" and "spine" not in roles)

    def _routes(self, texts: Mapping[str, Sequence[str]]) -> tuple[int, list[Difference]]:
        known = heard_by_region(
            {name: [read_router(text) for text in each] for name, each in texts.items()}
        )
        differences, compared = [], 0
        for listener in sorted(self._routed):
            wanted = {
                aggregate
                for version in (4, 6)
                for speaker in self._heard_by(listener, version)
                for aggregate in self._routed[speaker]
                if aggregate.version == version
            }
            has = known.get(listener, set())
            compared += len(wanted | has)
            for network in sorted(wanted - has, key=str):
                detail = f"{listener} does not hear of {network}."
                differences.append(Difference(fault=Fault.CLOSED, detail=detail))
            for network in sorted(has - wanted, key=str):
                detail = f"{listener} hears of {network}, which is not for it."
                differences.append(Difference(fault=Fault.UNDECLARED, detail=detail))
        return compared, differences

    @cached_property
    def _routed(self) -> Mapping[str, tuple[IPv4Network | IPv6Network, ...]]:
        return {each.region: each.aggregates for each in self._site.network.routing}

    def _heard_by(self, listener: str, version: int) -> Iterator[str]:
        """Yield the regions that one should hear of: on its own lines, or by way of the city."""
        county = {r.name for r in self._site.regions if r.kind is RegionKind.COUNTY}
        hubs = [r.name for r in self._site.regions if r.kind is RegionKind.CITY]
        lines = {
            frozenset((carrier.from_region, carrier.to))
            for carrier in self._site.network.carriers
            if any(prefix.version == version for prefix in carrier.prefixes)
        }
        for speaker in self._routed:
            ends = {speaker, listener}
            by_hub = any({frozenset((hub, end)) for end in ends} <= lines for hub in hubs)
            joined = frozenset(ends) in lines or by_hub
            if speaker == listener or (joined and not ends <= county):
                yield speaker

    def _of_region(self, region: str) -> tuple[list[Opened], Cover]:
        if region not in self._declared:
            found = list(dict.fromkeys(self._intent.declared(region)))
            self._declared[region] = found, Cover(found)
        return self._declared[region]

    def _undeclared(
        self, found: Iterable[Opened], allowed: Cover, word: str = ""
    ) -> Iterator[Difference]:
        for each in found:
            part = allowed.missed(each.kind, each.box)
            if part:
                yield self._difference(Fault.UNDECLARED, (each, part), word)

    def _closed(
        self, declared: Iterable[Opened], found: Cover, word: str = ""
    ) -> Iterator[Difference]:
        for each in declared:
            part = found.missed(each.kind, each.box)
            if part:
                yield self._difference(Fault.CLOSED, (each, part), word)

    def _difference(self, fault: Fault, what: tuple[Opened, Box], word: str) -> Difference:
        each, part = what
        kind = each.kind
        ends = [self._end(kind, side[0]) for side in (part.source, part.destination)]
        first, last = part.ports
        ports = (
            "" if kind.protocol == "other" else str(first) if first == last else f"{first}-{last}"
        )
        act = "passes, and no flow declares it" if fault is Fault.UNDECLARED else "does not pass"
        places = [self._intent.place(kind.version, s[0]) for s in (part.source, part.destination)]
        detail = f"{kind.protocol} {ports} from {ends[0]} to {ends[1]} {act}{word}."
        return Difference(
            fault=fault,
            detail=detail,
            rule=each.origin,
            from_=places[0],
            to=places[1],
            family=f"IPv{kind.version}",
            protocol=kind.protocol,
            ports=ports,
        )

    def _end(self, kind: Kind, number: int) -> str:
        return f"{shown(kind.version, number)} ({self._intent.place(kind.version, number)})"
