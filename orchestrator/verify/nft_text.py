"""Read an nftables ruleset as it is written for `nft -f`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from orchestrator.verify.boxes import Span
from orchestrator.verify.nft_rules import (
    LOOPBACK,
    NUMBERS,
    Chain,
    Match,
    Rule,
    Ruleset,
    UnreadableError,
)

_TOKEN = re.compile(r'"[^"]*"|[{},;]|[^\s{},;]+')
_STATE = ("ct state vmap { established : accept , related : accept , invalid : drop }").split()
_FIELD_WORDS = {
    ("ip", "saddr"): "ip saddr",
    ("ip", "daddr"): "ip daddr",
    ("ip6", "saddr"): "ip6 saddr",
    ("ip6", "daddr"): "ip6 daddr",
    ("meta", "l4proto"): "l4proto",
    ("th", "dport"): "dport",
    ("icmp", "type"): "icmp",
    ("icmpv6", "type"): "icmpv6",
}
_ICMP_TYPES = {
    "icmp": {"echo-request": 8},
    "icmpv6": {"echo-request": 128, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136},
}
_TCP_PORT = ["tcp", "dport"]
_FROM_ITSELF = ["iifname", f'"{LOOPBACK}"', "accept"]


def read_nft(text: str) -> Ruleset:
    """Return the forward and the input chain of a ruleset with one table.

    Raises:
        UnreadableError: the text has a word that this reader does not know.
    """
    sets: dict[str, list[tuple[Span, ...]]] = {}
    chains: dict[str, Chain] = {}
    for head, body in _blocks(text):
        if head.startswith("set "):
            sets[head.removeprefix("set ")] = list(_elements(body))
        elif head in {"chain forward", "chain input"}:
            name = head.removeprefix("chain ")
            chains[name] = _chain(body, sets, hook=name)
        else:
            raise UnreadableError(f"`{head}` is no set and no forward or input chain")
    for name in ("forward", "input"):
        if name not in chains:
            raise UnreadableError(f"there is no chain `{name}`")
    return Ruleset(forward=chains["forward"], input=chains["input"])


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each set or chain of the table: its head, and its lines."""
    head, body, depth = "", list[str](), 0
    for line in text.splitlines():
        words = line.split("#")[0].strip()
        if depth == 0 and words and not re.fullmatch(r"(delete )?table inet \w+( \{)?", words):
            raise UnreadableError(f"`{words}` stands outside of the table")
        if depth == 1 and words.endswith("{"):
            head, body = words.removesuffix("{").strip(), []
        elif depth >= 2 and not (depth == 2 and words == "}"):
            body.append(words)
        depth += words.count("{") - words.count("}")
        if depth == 1 and words == "}" and head:
            yield head, body
            head = ""


def _elements(lines: list[str]) -> Iterator[tuple[Span, ...]]:
    text = " ".join(lines)
    found = re.fullmatch(r"type [\w .]+ flags interval elements = \{(.*)\}", text)
    if found is None:
        raise UnreadableError(f"this set is written in a way that is not known: {text[:60]}")
    for element in re.sub(r'comment "[^"]*"', "", found[1]).split(","):
        if element.strip():
            yield tuple(_span(field.strip()) for field in element.split(" . "))


def _span(text: str) -> Span:
    """Return a value, range or prefix as numbers."""
    if text.isdecimal():
        return int(text), int(text)
    if re.fullmatch(r"\d+-\d+", text):
        first, last = text.split("-")
        return int(first), int(last)
    try:
        if "-" in text:
            start, end = (int(ip_address(side)) for side in text.split("-"))
            return start, end
        network = ip_network(text)
    except ValueError as error:
        raise UnreadableError(f"`{text}` is no address, prefix or number") from error
    return int(network.network_address), int(network.broadcast_address)


def _chain(lines: list[str], sets: dict[str, list[tuple[Span, ...]]], *, hook: str) -> Chain:
    head, *rules = [line for line in lines if line]
    words = _TOKEN.findall(head)
    begin = f"type filter hook {hook} priority filter ; policy".split()
    if words[: len(begin)] != begin or words[len(begin) + 1 :] != [";"]:
        raise UnreadableError(f"this chain is not on the {hook} hook: {head}")
    keeps_state = bool(rules) and _TOKEN.findall(rules[0]) == _STATE
    return Chain(
        policy=words[len(begin)],
        rules=tuple(
            _rule(rule, sets)
            for rule in rules[1 if keeps_state else 0 :]
            # What the machine sends to itself comes from nobody else.
            if not (hook == "input" and _TOKEN.findall(rule) == _FROM_ITSELF)
        ),
        keeps_state=keeps_state,
    )


def _rule(text: str, sets: dict[str, list[tuple[Span, ...]]]) -> Rule:
    words = _TOKEN.findall(text)
    matches: list[Match] = []
    verdict: str | None = None
    limited = False
    while words:
        if tuple(words[:2]) in _FIELD_WORDS or words[:2] == _TCP_PORT:
            matches.append(_match(words, sets))
        elif words[0] == "counter":
            del words[0]
        elif words[:2] == ["limit", "rate"]:
            limited = True
            del words[: 6 if words[3:4] == ["burst"] else 3]
        elif words[:2] == ["log", "prefix"]:
            del words[: 5 if words[3:4] == ["flags"] else 3]
        elif words[0] in {"accept", "drop"}:
            verdict = words.pop(0)
        else:
            raise UnreadableError(f"`{words[0]}` in the rule: {text}")
    if limited and verdict:
        raise UnreadableError(f"a verdict that depends on a rate: {text}")
    return Rule(tuple(matches), verdict, text)


def _match(words: list[str], sets: dict[str, list[tuple[Span, ...]]]) -> Match:
    """Take a match from the front of a rule's words."""
    if words[:2] == _TCP_PORT:
        port = _span(words[2] if len(words) > 2 else "")
        del words[:3]
        return Match(("l4proto", "dport"), (((6, 6), port),))
    fields = [_field(words)]
    while words[:1] == ["."]:
        del words[0]
        fields.append(_field(words))
    negated = words[:1] == ["!="]
    if negated:
        del words[0]
    value = words.pop(0) if words else ""
    if value.startswith("@"):
        if value[1:] not in sets:
            raise UnreadableError(f"there is no set `{value[1:]}`")
        return Match(tuple(fields), tuple(sets[value[1:]]), negated)
    if len(fields) == 1 and value in _ICMP_TYPES.get(fields[0], {}):
        number = _ICMP_TYPES[fields[0]][value]
        return Match(tuple(fields), (((number, number),),), negated)
    number_or_name = str(NUMBERS.get(value, value)) if fields == ["l4proto"] else value
    return Match(tuple(fields), ((_span(number_or_name),),), negated)


def _field(words: list[str]) -> str:
    field = _FIELD_WORDS.get((words[0], words[1])) if len(words) > 1 else None
    if field is None:
        raise UnreadableError(f"`{' '.join(words[:2])}` is no field that is known")
    del words[:2]
    return field
