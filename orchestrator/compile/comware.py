"""A switch's configuration in the words of H3C Comware 7.

Words: H3C's ACL and QoS command reference for S6805, S6825, S6850 and S9850 (`acl advanced name
NAME`, `acl ipv6 advanced name NAME`, `packet-filter name NAME inbound` on an interface). Rules are
written as VRP writes them, but for `established`.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.compile.switch import LIST_NAMES, SwitchConfig
from orchestrator.compile.switch_words import opening, rules

LOG_MINUTES = 5
"""How often refused packets are summed up in the log; the shortest that Comware takes."""


def comware_config(config: SwitchConfig) -> str:
    """Return the configuration, to be entered in the system view."""
    return "\n".join([*_parts(config), "return", ""])


def _parts(config: SwitchConfig) -> Iterator[str]:
    yield from opening(config)
    if config.lists:
        yield from ("#", f"acl logging interval {LOG_MINUTES}")
    for access_list in config.lists:
        six = "ipv6 " if access_list.version == 6 else ""
        yield from ("#", f"acl {six}advanced name {LIST_NAMES[access_list.version]}")
        yield from rules(access_list, established="established")
    for vlan_id in config.filtered:
        yield from ("#", f"interface Vlan-interface{vlan_id}")
        # Only what is routed: DHCP and neighbours inside the VLAN are no matter of zones.
        yield " packet-filter filter route"
        yield f" packet-filter name {LIST_NAMES[4]} inbound"
        yield f" packet-filter ipv6 name {LIST_NAMES[6]} inbound"
    yield "#"
