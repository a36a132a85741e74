"""The normal form of VRP's and Comware's configurations, and the commands between two of them.

Only parts that the site declares are ours: VLANs, lists and names. What else is on a switch (its
accounts, its uplinks, VLANs of others) is neither compared nor touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.providers.device.driver import Running
from orchestrator.providers.device.lines import Difference, Path, indented, nested

_PORTS = {
    "biff": 512, "bgp": 179, "bootpc": 68, "bootps": 67, "chargen": 19, "cmd": 514, "daytime": 13,
    "discard": 9, "dns": 53, "dnsix": 90, "domain": 53, "echo": 7, "exec": 512, "finger": 79,
    "ftp": 21, "ftp-data": 20, "gopher": 70, "hostname": 101, "irc": 194, "klogin": 543,
    "kshell": 544, "login": 513, "lpd": 515, "mobilip-ag": 434, "mobilip-mn": 435,
    "nameserver": 42, "netbios-dgm": 138, "netbios-ns": 137, "netbios-ssn": 139, "nntp": 119,
    "ntp": 123, "pop2": 109, "pop3": 110, "rip": 520, "smtp": 25, "snmp": 161, "snmptrap": 162,
    "ssh": 22, "sunrpc": 111, "syslog": 514, "tacacs": 49, "tacacs-ds": 65, "talk": 517,
    "telnet": 23, "tftp": 69, "time": 37, "uucp": 540, "who": 513, "whois": 43, "www": 80,
    "xdmcp": 177,
}  # fmt: skip
"""Names by which both print well-known ports of a rule (their ACL command references)."""

_PORT_WORDS = re.compile(r"\b(eq|range) ((?:[a-z][a-z0-9-]*|\d+)(?: (?:[a-z][a-z0-9-]*|\d+))?)")
_BATCH = "vlan batch "
_ONE_EACH = ("sysname", "acl logging interval")
"""Lines of which a switch has one: another value of it is an extra line of ours."""
_OPENS = re.compile(r"(interface|vlan \d|acl )")


def normal_switch(text: str, *, filters: tuple[str, ...]) -> tuple[Path, ...]:
    """Return the lines of VLANs, lists and names, sorted; of interfaces only the `filters`."""
    return tuple(sorted(set(_lines(text, filters)), key=_by_number))


def _by_number(path: Path) -> list[list[tuple[int, str]]]:
    """Sort as switches count: `rule 10` after `rule 5`. They print parts in orders of their own."""
    return [
        [(int(word), "") if word.isdigit() else (-1, word) for word in line.split()]
        for line in path
    ]


def _lines(text: str, filters: tuple[str, ...]) -> Iterator[Path]:
    closers = frozenset({"return", "commit", "quit"})
    for path in indented(text, comments=("#", "!"), closers=closers):
        first = path[0]
        if first.startswith("interface "):
            if len(path) == 2 and path[1].startswith(filters):
                yield path
        elif first.startswith(_BATCH):
            yield from ((f"vlan {number}",) for number in _numbers(first.removeprefix(_BATCH)))
        elif first.startswith(_ONE_EACH) or _OPENS.match(first):
            yield tuple(_PORT_WORDS.sub(_numbered, line) for line in path)


def _numbers(batch: str) -> Iterator[int]:
    """Yield the numbers of `2 10 to 12`."""
    words = batch.split()
    place = 0
    while place < len(words):
        first = int(words[place])
        ranged = words[place + 1 : place + 2] == ["to"]
        last = int(words[place + 2]) if ranged else first
        yield from range(first, last + 1)
        place += 3 if ranged else 1


def _numbered(found: re.Match[str]) -> str:
    names = found.group(2).split() if found.group(1) == "range" else found.group(2).split()[:1]
    rest = found.group(2).split()[len(names) :]
    return " ".join([found.group(1), *(str(_PORTS.get(name, name)) for name in names), *rest])


def ours(running: Running, declared: Sequence[Path]) -> Running:
    """Return only the parts that are declared, too, with everything in them."""
    keys = {_key(path) for path in declared}
    return Running(
        text=running.text,
        lines=tuple(path for path in running.lines if _key(path) in keys),
        startup=tuple(path for path in running.startup if _key(path) in keys),
    )


def _key(path: Path) -> str:
    """Return which part of a switch a line belongs to."""
    return next((word for word in _ONE_EACH if path[0].startswith(word)), path[0])


def commands(difference: Difference) -> tuple[str, ...]:
    """Return what is entered in the system view to make the difference vanish.

    What leans on a list goes before it and comes after it: the order of the kinds sees to that.
    A rule that is entered again would be added to, so a changed one is taken away first.
    """
    gone = set(difference.extra)
    going = [
        path
        for path in sorted(difference.extra, key=_order, reverse=True)
        if not any(path[:length] in gone for length in range(1, len(path)))
        and not path[0].startswith(_ONE_EACH)
    ]
    undone = [(*path[:-1], _undo(path[-1])) for path in going]
    coming = sorted(difference.missing, key=_order)
    said = (*nested(undone, leave="quit"), *nested(_opened(coming), leave="quit"))
    return tuple(command for command in said if command)


def _opened(paths: Sequence[Path]) -> Iterator[Path]:
    """Leave out lines that only open a part which a later line opens anyway; enter empty ones."""
    parents = {path[:-1] for path in paths}
    for path in paths:
        if path not in parents:
            opens = len(path) == 1 and not path[0].startswith(_ONE_EACH)
            yield (*path, "") if opens else path


def _order(path: Path) -> int:
    kinds = ("sysname", "vlan", "acl", "interface")
    return next(number for number, kind in enumerate(kinds) if path[0].startswith(kind))


def _undo(line: str) -> str:
    rule = re.match(r"rule \d+", line)
    if rule:
        return f"undo {rule.group(0)}"
    if line.startswith(("name ", "description ")):
        return f"undo {line.split()[0]}"
    return f"undo {line}"
