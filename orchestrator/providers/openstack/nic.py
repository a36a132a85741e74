"""A server's network interface, as one line of text and as an Ironic port.

`leaf-a/12 pxe` reads well in a plan, and is compared as a whole.
"""

from __future__ import annotations

import re

from orchestrator.model.units import Json
from orchestrator.providers.attributes import mapping
from orchestrator.providers.openstack.rest import Row

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_NIC = re.compile(r"(?P<switch>[^/ ]+)/(?P<port>[^/ ]+)(?P<pxe> pxe)?")

NO_SWITCH_ID = "00:00:00:00:00:00"
"""Ironic wants a switch's MAC, which the site does not declare; `switch_info` names the switch."""


def nics(value: Json) -> Json:
    """Read interfaces by MAC."""
    read = mapping(value)
    for mac, nic in read.items() if isinstance(read, dict) else ():
        if not _MAC.fullmatch(mac):
            raise ValueError(f"{mac} is to be a MAC address in lower case")
        if not _NIC.fullmatch(str(nic)):
            raise ValueError(f"{nic} is to be SWITCH/PORT or `SWITCH/PORT pxe`")
    return read


def nic_body(nic: str) -> dict[str, Json]:
    """Return the fields of a port."""
    match = _NIC.fullmatch(nic)
    if match is None:
        raise ValueError(f"{nic} is no network interface")
    link: dict[str, Json] = {
        "switch_id": NO_SWITCH_ID,
        "switch_info": match["switch"],
        "port_id": match["port"],
    }
    return {"pxe_enabled": match["pxe"] is not None, "local_link_connection": link}


def nic_of_port(port: Row) -> str:
    """Return a port as text."""
    link = port["local_link_connection"]
    pxe = " pxe" if port["pxe_enabled"] else ""
    return f"{link.get('switch_info', '?')}/{link.get('port_id', '?')}{pxe}"
