"""A switch's configuration in the words of Huawei VRP (CloudEngine).

Words: Huawei's ACL command reference for CloudEngine and S switches (`acl name NAME advance`,
`acl ipv6 name NAME advance`, `traffic-filter acl ... inbound` on an interface).
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.compile.switch import LIST_NAMES, SwitchConfig
from orchestrator.compile.switch_words import opening, rules


def vrp_config(config: SwitchConfig) -> str:
    """Return the configuration, to be entered in the system view."""
    return "\n".join([*_parts(config), "commit", "return", ""])


def _parts(config: SwitchConfig) -> Iterator[str]:
    yield from opening(config)
    for access_list in config.lists:
        six = "ipv6 " if access_list.version == 6 else ""
        yield from ("#", f"acl {six}name {LIST_NAMES[access_list.version]} advance")
        yield from rules(access_list, established="tcp-flag established")
    for vlan_id in config.filtered:
        yield from ("#", f"interface Vlanif{vlan_id}")
        yield f" traffic-filter acl name {LIST_NAMES[4]} inbound"
        yield f" traffic-filter acl ipv6 name {LIST_NAMES[6]} inbound"
    yield "#"
