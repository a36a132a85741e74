"""Read a switch's compiled text, VRP or Comware: its VLANs, its access lists, where they stand.

Both families write rules alike. A list is read from top to bottom, as the switch does: the first
rule that matches decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Network, NetmaskValueError

from orchestrator.verify.boxes import (
    ALL_PORTS,
    PROTOCOLS,
    Box,
    Kind,
    Opened,
    Span,
    everything,
    kinds,
    overlap,
    without,
)
from orchestrator.verify.nft_rules import UnreadableError

_WORDS = {"ip": None, "ipv6": None, "tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmp"}
_REPLIES = {4: 0, 6: 129}
"""ICMP types of an echo's reply."""


@dataclass(frozen=True, slots=True)
class AclRule:
    """One rule; a reply's box is turned round, so that it compares with the flow it answers."""

    permit: bool
    protocol: str | None
    box: Box
    reply: bool
    text: str


@dataclass(slots=True)
class SwitchText:
    """What a switch's text says."""

    vlans: dict[int, str] = field(default_factory=dict)
    lists: dict[str, tuple[int, list[AclRule]]] = field(default_factory=dict)
    """Version and rules by name."""
    filtered: dict[int, set[str]] = field(default_factory=dict)
    """Names of the lists on each VLAN's interface, inbound."""


def read_switch(text: str) -> SwitchText:
    """Return what the text says.

    Raises:
        UnreadableError: the text has a line that this reader does not know.
    """
    switch = SwitchText()
    view: tuple[str, str] = ("", "")
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if not line.startswith(" "):
                view = _enter(words, switch)
            elif not _inside(words, view, switch):
                raise UnreadableError(f"`{line.strip()}` is not known here")
        except (ValueError, IndexError) as error:
            raise UnreadableError(f"{error}, in the line: {line.strip()}") from error
    return switch


_ALONE = {"sysname", "commit", "return"}


def _enter(words: list[str], switch: SwitchText) -> tuple[str, str]:
    """Take a line of the system view; return the view that it opens."""
    match words:
        case ["vlan", number]:
            switch.vlans[int(number)] = ""
            return "vlan", number
        case ["acl", "name", name, "advance"] | ["acl", "advanced", "name", name]:
            switch.lists[name] = (4, [])
            return "acl", name
        case ["acl", "ipv6", "name", name, "advance"] | ["acl", "ipv6", "advanced", "name", name]:
            switch.lists[name] = (6, [])
            return "acl", name
        case ["interface", name] if name.startswith(("Vlanif", "Vlan-interface")):
            number = name.removeprefix("Vlanif").removeprefix("Vlan-interface")
            switch.filtered[int(number)] = set()
            return "interface", number
        case ["acl", "logging", "interval", _]:
            return "", ""
        case [word, *_] if word in _ALONE:
            return "", ""
    raise UnreadableError(f"`{' '.join(words)}` is not known")


def _inside(words: list[str], view: tuple[str, str], switch: SwitchText) -> bool:
    """Take a line of a view; say whether it is known there."""
    kind, name = view
    match kind, words:
        case "vlan", ["name", given]:
            switch.vlans[int(name)] = given
        case "vlan", ["description", *_]:
            pass
        case "interface", ["packet-filter", "filter", "route"]:
            pass
        case "interface", ["traffic-filter", "acl", *rest, given, "inbound"]:
            switch.filtered[int(name)].add(_bound(rest, given))
        case "interface", ["packet-filter", *rest, given, "inbound"]:
            switch.filtered[int(name)].add(_bound(rest, given))
        case "acl", ["rule", number, "permit" | "deny" as verdict, *rest] if number.isdecimal():
            version, rules = switch.lists[name]
            rules.append(_rule(rest, version, verdict))
        case _:
            return False
    return True


def _bound(words: list[str], name: str) -> str:
    if words not in (["name"], ["ipv6", "name"]):
        raise UnreadableError(f"`{' '.join([*words, name])}` names no list in a way that is known")
    return name


@dataclass(slots=True)
class _Reading:
    """A rule while its words are taken one by one; what is not named matches everything."""

    version: int
    source: Span
    destination: Span
    source_ports: Span = ALL_PORTS
    ports: Span = ALL_PORTS
    established: bool = False

    def take(self, word: str, rest: list[str]) -> bool:
        """Take one word and what belongs to it; say whether it is known."""
        match word:
            case "source":
                self.source = _addresses(rest, self.version)
            case "destination":
                self.destination = _addresses(rest, self.version)
            case "source-port":
                self.source_ports = _ports(rest)
            case "destination-port":
                self.ports = _ports(rest)
            case "icmp-type" | "icmp6-type":
                self.ports = (int(rest[0]), int(rest[0]))
                del rest[:2]
            case "tcp-flag" | "established":
                self.established = word == "established" or rest.pop(0) == "established"
            case _:
                return word == "logging"
        return True

    def answers(self, protocol: str | None) -> bool:
        """Say whether only answers match: of tcp by its flags, of udp by the port it comes from."""
        if protocol == "icmp":
            return self.ports == (_REPLIES[self.version], _REPLIES[self.version])
        from_a_port = self.source_ports != ALL_PORTS and self.ports == ALL_PORTS
        return self.established or (protocol == "udp" and from_a_port)


def _rule(words: list[str], version: int, verdict: str) -> AclRule:
    text = " ".join([verdict, *words])
    if words[0] not in _WORDS:
        raise UnreadableError(f"the protocol `{words[0]}` is not known")
    protocol, rest = _WORDS[words[0]], words[1:]
    whole = everything(version)
    read = _Reading(version, whole.source, whole.destination)
    while rest:
        word = rest.pop(0)
        if not read.take(word, rest):
            raise UnreadableError(f"`{word}` in the rule: {text}")
    reply = read.answers(protocol)
    box = Box(read.source, read.destination, read.ports)
    if reply:
        asked = _asked(version) if protocol == "icmp" else read.source_ports
        box = Box(read.destination, read.source, asked)
    return AclRule(verdict == "permit", protocol, box, reply, text)


def _asked(version: int) -> Span:
    return (8, 8) if version == 4 else (128, 128)


def _addresses(rest: list[str], version: int) -> Span:
    """Take an address and its wildcard (IPv4) or a prefix (IPv6) from the front."""
    text = rest.pop(0)
    try:
        if version == 6:
            network = IPv6Network(text)
            return int(network.network_address), int(network.broadcast_address)
        first, wildcard = int(IPv4Address(text)), int(IPv4Address(_dotted(rest.pop(0))))
    except (AddressValueError, NetmaskValueError, ValueError, IndexError) as error:
        raise UnreadableError(f"`{text}` is no address with a wildcard") from error
    if wildcard & (wildcard + 1) or first & wildcard:
        raise UnreadableError(f"the wildcard after {text} is not that of a prefix")
    return first, first | wildcard


def _dotted(text: str) -> str:
    return "0.0.0.0" if text == "0" else text  # noqa: S104 - a wildcard that frees no bit


def _ports(rest: list[str]) -> Span:
    word = rest.pop(0)
    if word == "eq":
        port = int(rest.pop(0))
        return port, port
    if word == "range":
        return int(rest.pop(0)), int(rest.pop(0))
    raise UnreadableError(f"the port comparison `{word}` is not known")


def opened(version: int, rules: Sequence[AclRule], *, replies: bool) -> Iterator[Opened]:
    """Yield what a list lets through: what may begin, or with `replies`, what may be answered.

    A list without a last rule that refuses all opens the rest: so switches do.
    """
    refused: list[tuple[str | None, Box]] = []
    for rule in rules:
        if not rule.permit:
            box = rule.box if not replies else _turned(rule.box)
            if rule.protocol is None and box == everything(version):
                return
            refused.append((rule.protocol, box))
        elif rule.reply is replies or _is_both(rule):
            box = _turned(rule.box) if replies and not rule.reply else rule.box
            yield from _effective(rule, box, (version, refused))
    for kind in kinds(version):
        yield Opened(kind, everything(version), "the end of the list")


def _is_both(rule: AclRule) -> bool:
    """Say whether a rule asks for no port, and so lets through questions and answers alike."""
    return not rule.reply and rule.protocol is None


def _turned(box: Box) -> Box:
    return Box(box.destination, box.source, box.ports)


def _effective(
    rule: AclRule, box: Box, context: tuple[int, list[tuple[str | None, Box]]]
) -> Iterator[Opened]:
    version, refused = context
    for protocol in PROTOCOLS if rule.protocol is None else (rule.protocol,):
        left = [box]
        for other, hole in refused:
            if other in (None, protocol) and overlap(hole.source, box.source):
                left = [part for each in left for part in without(each, hole)]
        for part in left:
            yield Opened(Kind(version, protocol), part, rule.text)
