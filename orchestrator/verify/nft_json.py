"""Read an nftables ruleset as the kernel gives it back: `nft --json list ruleset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

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

_FIELDS = {
    ("ip", "saddr"): "ip saddr",
    ("ip", "daddr"): "ip daddr",
    ("ip6", "saddr"): "ip6 saddr",
    ("ip6", "daddr"): "ip6 daddr",
    ("th", "dport"): "dport",
    ("icmp", "type"): "icmp",
    ("icmpv6", "type"): "icmpv6",
}
_TCP_PORT = {"payload": {"protocol": "tcp", "field": "dport"}}
_STATE = {"established": "accept", "related": "accept", "invalid": "drop"}
_SILENT = {"counter", "limit", "log"}
_ICMP_TYPES = {"echo-request": 128, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136}

# What nft prints is typed by nothing; it is taken apart here and goes no further.
Node = Any


def read_loaded(ruleset: Mapping[str, Node], table: str) -> Ruleset:
    """Return the forward and the input chain of one table.

    Raises:
        UnreadableError: the ruleset has a statement that this reader does not know.
    """
    parts = ruleset.get("nftables", [])
    sets = {
        part["set"]["name"]: tuple(_row(element) for element in part["set"].get("elem", []))
        for part in parts
        if "set" in part and part["set"]["table"] == table
    }
    chains = [p["chain"] for p in parts if "chain" in p and p["chain"]["table"] == table]
    by_hook = {chain.get("hook"): chain for chain in chains}
    if len(chains) != len(by_hook) or set(by_hook) != {"forward", "input"}:
        raise UnreadableError(f"table {table} has not two chains, one to forward and one for input")
    loaded = {}
    for hook, chain in by_hook.items():
        rules = [
            part["rule"]["expr"]
            for part in parts
            if "rule" in part
            and (part["rule"]["table"], part["rule"]["chain"]) == (table, chain["name"])
        ]
        loaded[hook] = _chain(chain["policy"], rules, sets)
    return Ruleset(forward=loaded["forward"], input=loaded["input"])


def _chain(
    policy: str, rules: Sequence[Node], sets: Mapping[str, tuple[tuple[Span, ...], ...]]
) -> Chain:
    keeps_state = bool(rules) and _is_state(rules[0])
    return Chain(
        policy=policy,
        rules=tuple(
            _rule(expressions, sets)
            for expressions in rules[1 if keeps_state else 0 :]
            if not _is_from_itself(expressions)
        ),
        keeps_state=keeps_state,
    )


def _is_from_itself(expressions: Sequence[Node]) -> bool:
    """Say whether a rule is about what the machine sends to itself, which nobody else can send."""
    left = {"meta": {"key": "iifname"}}
    expected = {"match": {"op": "==", "left": left, "right": LOOPBACK}}
    return len(expressions) == 2 and expressions[0] == expected


def _is_state(expressions: Sequence[Node]) -> bool:
    if len(expressions) != 1 or "vmap" not in expressions[0]:
        return False
    vmap = expressions[0]["vmap"]
    verdicts = {state: next(iter(verdict)) for state, verdict in vmap["data"]["set"]}
    return vmap["key"] == {"ct": {"key": "state"}} and verdicts == _STATE


def _rule(expressions: Sequence[Node], sets: Mapping[str, tuple[tuple[Span, ...], ...]]) -> Rule:
    matches, verdict, limited = list[Match](), None, False
    for expression in expressions:
        [(word, value)] = expression.items()
        if word == "match":
            matches.append(_match(value, sets))
        elif word in {"accept", "drop"}:
            verdict = word
        elif word not in _SILENT:
            raise UnreadableError(f"the statement `{word}` is not known")
        limited = limited or word == "limit"
    if limited and verdict:
        raise UnreadableError("a verdict that depends on a rate")
    return Rule(tuple(matches), verdict, _text(matches, expressions, verdict))


def _match(value: Node, sets: Mapping[str, tuple[tuple[Span, ...], ...]]) -> Match:
    left, right = value["left"], value["right"]
    if left == _TCP_PORT and value["op"] == "==":
        return Match(("l4proto", "dport"), (((6, 6), _span(right)),))
    fields = tuple(_field(each) for each in left.get("concat", [left]))
    if isinstance(right, str) and right.startswith("@"):
        rows = sets[right[1:]]
    elif isinstance(right, dict) and "set" in right:
        rows = tuple(_row(each) for each in right["set"])
    else:
        rows = (_row(right, fields),)
    if value["op"] not in {"==", "!="}:
        raise UnreadableError(f"the comparison `{value['op']}` is not known")
    return Match(fields, rows, value["op"] == "!=")


def _field(node: Node) -> str:
    payload = node.get("payload", {})
    if node == {"meta": {"key": "l4proto"}}:
        return "l4proto"
    found = _FIELDS.get((payload.get("protocol"), payload.get("field")))
    if found is None:
        raise UnreadableError(f"`{node}` is no field that is known")
    return found


def _row(node: Node, fields: Sequence[str] = ()) -> tuple[Span, ...]:
    if isinstance(node, dict) and "elem" in node:
        return _row(node["elem"]["val"], fields)
    if isinstance(node, dict) and "concat" in node:
        return tuple(_span(each, fields) for each in node["concat"])
    return (_span(node, fields),)


def _span(node: Node, fields: Sequence[str] = ()) -> Span:
    if isinstance(node, int):
        return node, node
    if isinstance(node, str):
        return _value(node, fields)
    if "prefix" in node:
        network = ip_network((node["prefix"]["addr"], node["prefix"]["len"]))
        return int(network.network_address), int(network.broadcast_address)
    if "range" in node:
        first, last = (_span(each, fields)[0] for each in node["range"])
        return first, last
    raise UnreadableError(f"`{node}` is no value that is known")


def _value(text: str, fields: Sequence[str]) -> Span:
    if text == "echo-request" and "icmpv6" not in fields:
        number = 8
    elif text in _ICMP_TYPES:
        number = _ICMP_TYPES[text]
    elif text in NUMBERS:
        number = NUMBERS[text]
    else:
        try:
            number = int(ip_address(text))
        except ValueError as error:
            raise UnreadableError(f"`{text}` is no address and no protocol") from error
    return number, number


def _text(matches: Sequence[Match], expressions: Sequence[Node], verdict: str | None) -> str:
    named = [e["match"]["right"] for e in expressions if "match" in e]
    sets = " ".join(each for each in named if isinstance(each, str))
    fields = " . ".join(field for match in matches for field in match.fields)
    return f"{fields} {sets} {verdict}".strip()
