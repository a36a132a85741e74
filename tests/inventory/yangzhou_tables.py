"""The tables of docs/explanation/reference-city.md, made from the site itself.

`python tests/inventory/yangzhou_tables.py` writes them into the page again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from yangzhou_city import REPOSITORY, capacity, city, flow_end_zone, projects

from orchestrator.model.hardware import ServerRole
from orchestrator.model.network import INTERNET

PAGE = REPOSITORY / "docs" / "explanation" / "reference-city.md"
BLOCK = re.compile(r"(<!-- made: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(head)]
    lines += [["---"] * len(lines[0]), *([str(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def regions() -> str:
    """Return places, their grade, racks and servers by role."""
    site = city()
    rows = []
    for region in site.regions:
        servers = site.servers_by_region[region.name]
        grades = {room.grade.value for room in site.room.rooms if room.region == region.name}
        racks = sum(site.region_of_rack(rack.name) == region.name for rack in site.room.racks)
        roles = Counter(server.role for server in servers)
        counts = [roles[role] or "" for role in ServerRole]
        title = f"{region.display.zh} {region.display.en}"
        rows.append([title, ", ".join(grades), racks, len(servers), *counts])
    rows.append(["**all**", "", len(site.room.racks), len(site.hardware.servers), *[""] * 6])
    return table(["region", "grade", "racks", "servers", *(r.value for r in ServerRole)], rows)


def quotas() -> str:
    """Return what each region could give to tenants and what it gave."""
    rows = []
    for region in city().regions:
        room = capacity(region)
        if not room.given.cores:
            continue
        rows.append(
            [
                region.display.en,
                *(
                    f"{given:,} of {whole:,.0f} ({given / whole:.0%})"
                    for given, whole in (
                        (room.given.cores, room.cores),
                        (room.given.memory_gib, room.memory_gib),
                        (room.given.storage_gib, room.storage_gib),
                    )
                ),
            ]
        )
    return table(["region", "vCPUs", "memory, GiB", "storage, GiB"], rows)


def zones() -> str:
    """Return the zones with what stands in them."""
    inhabitants = Counter(project.zone for _, project in projects())
    return table(
        ["zone", "", "projects", "purpose"],
        (
            [f"`{zone.name}`", zone.display.zh, inhabitants[zone.name] or "", zone.purpose]
            for zone in city().network.zones
        ),
    )


def drawing() -> str:
    """Return the flows between zones as a Mermaid graph, without administration and records."""
    # They touch nearly every zone; drawn, they would hide the rest.
    everywhere = {"access", "mgmt", "sec"}
    ports: dict[tuple[str, str], set[int]] = defaultdict(set)
    for flow in city().network.flows:
        source, target = flow_end_zone(flow.from_), flow_end_zone(flow.to)
        if source not in everywhere and target != "sec":
            ports[source, target].update(flow.ports)
    titles = {zone.name: f"{zone.name}<br/>{zone.display.zh}" for zone in city().network.zones}
    titles[INTERNET] = "internet<br/>互联网"
    shown = sorted({end for pair in ports for end in pair})
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  {zone}["{titles[zone]}"]' for zone in shown]
    for (source, target), numbers in sorted(ports.items()):
        label = " ".join(map(str, sorted(numbers)))
        lines.append(f'  {source} -- "{label}" --> {target}')
    return "\n".join([*lines, "```", ""])


def systems() -> str:
    """Return the departments and their systems."""
    rows = []
    for tenant in city().tenancy.tenants:
        name = f"{tenant.display.zh} {tenant.display.en}"
        for project in tenant.projects:
            level = project.protection_level or tenant.protection_level
            data = project.data_level or tenant.data_level
            title = f"{project.display.zh} {project.display.en}"
            rows.append(
                [name, title, f"`{project.zone}`", project.prefix, level, data, project.backup]
            )
            name = ""
    return table(["department", "system", "zone", "network", "等保", "data level", "backup"], rows)


TABLES: dict[str, Callable[[], str]] = {
    made.__name__: made for made in (regions, quotas, zones, drawing, systems)
}


def page_as_it_should_be(text: str) -> str:
    """Return the page with every made block replaced by what the site says today."""
    return BLOCK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[4]}", text)


if __name__ == "__main__":
    PAGE.write_text(page_as_it_should_be(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
