"""Checks of the declared flows: who may talk to whom, on what, until when.

The rules are docs/reference/checks.md NW020 to NW033; behind them stands one: everything is closed,
and a flow is the only thing that opens it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from orchestrator.checks.index import FlowEnd, SiteIndex
from orchestrator.checks.rule import Check, Finding, error, warning
from orchestrator.model.network import INTERNET, DeviceRole, Flow, PrefixRole, Protocol
from orchestrator.model.site import RegionKind

LONGEST_PERMISSION: Final = timedelta(days=366)
PLATFORM: Final = "platform"
"""The owner of flows that belong to no tenant."""
DMZ: Final = "inet-dmz"
EXCHANGE: Final = "xchg"
BASE_DATABASES: Final = "base-db"
OPERATOR_ZONES: Final = frozenset({"access", "mgmt"})
INSPECTORS: Final = frozenset({DeviceRole.FIREWALL, DeviceRole.GATEKEEPER})
WEB_PORTS: Final = frozenset({80, 443})
ADMIN_PORTS: Final = frozenset({22, 623, 3306, 3389, 5236, 5432, 6379, 9200, 54321})
"""SSH, IPMI, MySQL, RDP, DM, PostgreSQL, Redis, Elasticsearch, Kingbase."""
HIGH_RISK_PORTS: Final = frozenset({21, 23, 69, *range(135, 140), 161, 445})
"""FTP, Telnet, TFTP, RPC and NetBIOS, SNMP, SMB."""


def _resolved(index: SiteIndex) -> Iterator[tuple[Flow, FlowEnd, FlowEnd]]:
    """Yield the flows whose two ends are known, with the ends."""
    for flow in index.site.network.flows:
        start, end = index.flow_end(flow.from_), index.flow_end(flow.to)
        if start and end:
            yield flow, start, end


@error(
    "NW020",
    "A flow's end leads nowhere",
    remedy="Write `internet`, `zone/NAME` or `project/TENANT/PROJECT`.",
)
def flow_ends_resolve(index: SiteIndex) -> Iterator[Finding]:
    """Require both ends of a flow to be the internet, a declared zone or a declared project."""
    for flow in index.site.network.flows:
        for key, end in (("from", flow.from_), ("to", flow.to)):
            if index.flow_end(end) is None:
                detail = f"`{end}` is nothing that is declared."
                yield Finding(detail, flow.source.at(key), end, index.flow_end_names)


@error(
    "NW021",
    "A flow has no owner",
    remedy="Name the tenant that asked for it, or `platform`.",
)
def flow_owners_are_known(index: SiteIndex) -> Iterator[Finding]:
    """Require a flow's owner to be a tenant or `platform`: somebody must answer for it."""
    for flow in index.site.network.flows:
        if flow.owner != PLATFORM and flow.owner not in index.tenants:
            detail = f"`{flow.owner}` is neither a tenant nor `{PLATFORM}`."
            yield Finding(detail, flow.source.at("owner"), flow.owner, index.tenants)


@warning(
    "NW022",
    "A flow's permission has ended",
    remedy="Have it approved again with a new date, or remove it.",
)
def flows_are_current(index: SiteIndex) -> Iterator[Finding]:
    """Show flows whose day has passed: they are no longer opened.

    A warning, so that the rest of the site can still be applied on the day after.
    """
    for flow in index.site.network.flows:
        if flow.expires < index.today:
            detail = f"{flow.name} ended on {flow.expires}; today is {index.today}."
            yield Finding(detail, flow.source.at("expires"))


@error(
    "NW023",
    "A flow's permission lasts too long",
    remedy="Choose a day within the next 366 days.",
)
def flows_end_within_a_year(index: SiteIndex) -> Iterator[Finding]:
    """Require permissions to end within a year, so that each is thought about once a year.

    GB/T 22239-2019, 8.1.3.2 b: rules are kept to the least that is needed.
    """
    latest = index.today + LONGEST_PERMISSION
    for flow in index.site.network.flows:
        if flow.expires > latest:
            detail = f"{flow.name} would last until {flow.expires}; the latest day is {latest}."
            yield Finding(detail, flow.source.at("expires"))


@error(
    "NW024",
    "A flow's ports do not fit its protocol",
    remedy="List the ports for tcp and udp; list none for icmp.",
)
def flows_name_their_ports(index: SiteIndex) -> Iterator[Finding]:
    """Require tcp and udp flows to list their ports, and icmp flows to have none.

    A flow without ports would open all of them.
    """
    for flow in index.site.network.flows:
        if flow.protocol is Protocol.ICMP and flow.ports:
            yield Finding(f"{flow.name} is icmp, which has no ports.", flow.source.at("ports"))
        elif flow.protocol is not Protocol.ICMP and not flow.ports:
            detail = f"{flow.name} lists no port, which would mean any."
            yield Finding(detail, flow.source.at("ports"))


@error(
    "NW025",
    "The internet reaches more than the web in the DMZ",
    remedy="Lead it to a proxy in `zone/inet-dmz`, tcp 80 or 443.",
)
def internet_reaches_only_the_dmz(index: SiteIndex) -> Iterator[Finding]:
    """Allow flows from the internet only to the zone inet-dmz, on tcp 80 and 443."""
    for flow, start, end in _resolved(index):
        if start.zone != INTERNET:
            continue
        if end.zone != DMZ:
            detail = f"{flow.name} leads from the internet into {end.zone}."
            yield Finding(detail, flow.source.at("to"))
        elif flow.protocol is not Protocol.TCP or not set(flow.ports) <= WEB_PORTS:
            detail = f"{flow.name} opens {flow.protocol} {_ports(flow.ports)} to the internet."
            yield Finding(detail, flow.source.at("ports"))


@error(
    "NW026",
    "The DMZ reaches a base database",
    remedy="Go through the exchange: inet-dmz to xchg, xchg to base-db.",
)
def dmz_never_reaches_base_databases(index: SiteIndex) -> Iterator[Finding]:
    """Refuse every flow from inet-dmz to base-db, whatever the reason."""
    for flow, start, end in _resolved(index):
        if start.zone == DMZ and end.zone == BASE_DATABASES:
            yield Finding(f"{flow.name} does.", flow.source.at("to"))


@error(
    "NW027",
    "An administration port is open to others than operators",
    remedy="Come from the zone `access` or `mgmt`, over the bastion.",
)
def admin_ports_come_from_operators(index: SiteIndex) -> Iterator[Finding]:
    """Allow administration ports only from the zones access and mgmt.

    They are 22, 623, 3306, 3389, 5236, 5432, 6379, 9200 and 54321: SSH, IPMI and the databases.
    GB/T 22239-2019, 8.1.4.4 c: the terminals that may administer are limited.
    """
    for flow, start, _ in _resolved(index):
        ports = ADMIN_PORTS.intersection(flow.ports)
        if ports and start.zone not in OPERATOR_ZONES:
            detail = f"{flow.name} opens {_ports(ports)} to {start.zone}."
            yield Finding(detail, flow.source.at("ports"))


@error(
    "NW028",
    "A high-risk port crosses zones",
    remedy="Use a protocol with encryption and authentication.",
)
def high_risk_ports_stay_inside(index: SiteIndex) -> Iterator[Finding]:
    """Refuse 21, 23, 69, 135 to 139, 161 and 445 between zones.

    Worms and wiretaps live on these; each has a safe successor.
    """
    for flow, start, end in _resolved(index):
        ports = HIGH_RISK_PORTS.intersection(flow.ports)
        if ports and start.zone != end.zone:
            detail = f"{flow.name} leads {_ports(ports)} from {start.zone} to {end.zone}."
            yield Finding(detail, flow.source.at("ports"))


@error(
    "NW029",
    "Two departments talk past the exchange",
    remedy="Go through a project or gateway in the zone `xchg`.",
)
def departments_meet_in_the_exchange(index: SiteIndex) -> Iterator[Finding]:
    """Allow flows between two tenants only where one side is in the exchange zone.

    There the data is catalogued, approved and logged.
    """
    for flow, start, end in _resolved(index):
        if start.tenant and end.tenant and start.tenant != end.tenant:
            if EXCHANGE not in {start.zone, end.zone}:
                detail = f"{flow.name} leads from {start.tenant} straight to {end.tenant}."
                yield Finding(detail, flow.source.at("to"))


@error(
    "NW030",
    "Two counties talk to each other directly",
    remedy="Go through the exchange in the city.",
)
def counties_do_not_talk(index: SiteIndex) -> Iterator[Finding]:
    """Refuse flows between projects of two counties: their only trunk leads to the city."""
    counties = {region.name for region in index.site.regions if region.kind is RegionKind.COUNTY}
    for flow, start, end in _resolved(index):
        if start.region != end.region and {start.region, end.region} <= counties:
            detail = f"{flow.name} leads from {start.region} to {end.region}."
            yield Finding(detail, flow.source.at("to"))


@error(
    "NW031",
    "A flow crosses protection levels uninspected",
    remedy="Name the firewall or gatekeeper that looks into it as `inspected_by`.",
)
def crossings_of_levels_are_inspected(index: SiteIndex) -> Iterator[Finding]:
    """Require a flow between zones of different levels to name the device that inspects it.

    The device is a firewall or a gatekeeper. GB/T 22239-2019, 8.2.3.1 b: virtual networks of
    different levels are joined through access control.
    """
    for flow, start, end in _resolved(index):
        zones = [index.zones[each.zone] for each in (start, end) if each.zone in index.zones]
        levels = [zone.protection_level for zone in zones]
        device = index.devices.get(flow.inspected_by) if flow.inspected_by else None
        if len(set(levels)) > 1 and (device is None or device.role not in INSPECTORS):
            detail = f"{flow.name} leads from level {levels[0]} to level {levels[1]}."
            yield Finding(detail, flow.source.at("inspected_by"))


@error(
    "NW032",
    "Tenants reach the out-of-band network",
    remedy="Remove the flow; who administers hardware comes from the zone `access`.",
)
def out_of_band_networks_have_no_tenants(index: SiteIndex) -> Iterator[Finding]:
    """Refuse flows into a zone with out-of-band prefixes from a project or a zone of projects.

    Whoever reaches a BMC owns the server below every hypervisor.
    """
    prefixes = index.site.network.prefixes
    out_of_band = {p.zone for p in prefixes if p.role is PrefixRole.OUT_OF_BAND}
    rented = {p.zone for p in prefixes if p.role is PrefixRole.TENANT} - out_of_band
    for flow, start, end in _resolved(index):
        if end.zone in out_of_band and (start.tenant or start.zone in rented):
            yield Finding(f"{flow.name} leads into {end.zone}.", flow.source.at("to"))


@warning(
    "NW033",
    "A flow opens nothing: its ends share no address family",
    remedy="Give both ends IPv4 addresses, or both IPv6 addresses.",
)
def flow_ends_share_a_family(index: SiteIndex) -> Iterator[Finding]:
    """Expect a flow's two ends to have addresses of one family: no rule joins IPv4 and IPv6."""
    families: dict[str, set[int]] = defaultdict(set)
    for prefix in index.site.network.prefixes:
        families[f"zone/{prefix.zone}"].add(prefix.prefix.version)
    for tenant, project in index.projects:
        families[f"project/{tenant.name}/{project.name}"].add(project.prefix.version)
    for flow in index.site.network.flows:
        start, end = families.get(flow.from_), families.get(flow.to)
        if start and end and not start & end:
            detail = f"{flow.name}: {flow.from_} has no address of {flow.to}'s family."
            yield Finding(detail, flow.source.at("to"))


def _ports(ports: frozenset[int] | tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(ports))) or "without ports"


CHECKS: tuple[Check, ...] = (
    flow_ends_resolve,
    flow_owners_are_known,
    flows_are_current,
    flows_end_within_a_year,
    flows_name_their_ports,
    internet_reaches_only_the_dmz,
    dmz_never_reaches_base_databases,
    admin_ports_come_from_operators,
    high_risk_ports_stay_inside,
    departments_meet_in_the_exchange,
    counties_do_not_talk,
    crossings_of_levels_are_inspected,
    out_of_band_networks_have_no_tenants,
    flow_ends_share_a_family,
)
