"""The network as one picture: a panel for each region, its devices in tiers, lines between panels.

The picture refers to nothing outside of it, and the same site always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from orchestrator.cli.render.names import both
from orchestrator.cli.render.svg import hinted, picture, styled
from orchestrator.cli.render.topology import devices_of, speed, zones_of
from orchestrator.model.network import INTERNET, Carrier, Device, DeviceRole
from orchestrator.model.site import Region, RegionKind, Site

DEVICE_WIDTH, DEVICE_HEIGHT = 58, 28
STEP_X, STEP_Y = 66, 62
PADDING, HEADING, CHIP_HEIGHT = 16, 46, 18
CHIP_WIDTH = 76
PANEL_GAP, TRUNK_GAP = 18, 86
MARGIN = 24

FILLS = {
    DeviceRole.ROUTER: "#dbeafe",
    DeviceRole.FIREWALL: "#fee2e2",
    DeviceRole.GATEKEEPER: "#fde68a",
    DeviceRole.SPINE: "#dcfce7",
    DeviceRole.LEAF: "#f0fdf4",
    DeviceRole.OUT_OF_BAND: "#e5e7eb",
}
ZONE_FILLS = (
    *("#fecaca", "#bfdbfe", "#c7d2fe", "#fde68a", "#bbf7d0", "#e5e7eb"),
    *("#fbcfe8", "#ddd6fe", "#d9f99d", "#fed7aa", "#a5f3fc"),
)
STYLE = """
text { fill: #111 }
.t { font-size: 15px; font-weight: bold } .s { font-size: 11px; fill: #444 }
.d { font-size: 10.5px; text-anchor: middle }
.v { font-size: 8.5px; text-anchor: middle; fill: #555 }
.z { font-size: 10px; text-anchor: middle } .c { font-size: 10.5px; text-anchor: middle }
.c { paint-order: stroke; stroke: #f8fafc; stroke-width: 3px }
.link { stroke: #94a3b8; stroke-width: .7 } .pair { stroke: #0f766e; stroke-width: 3 }
.line { stroke: #b45309; stroke-width: 2; fill: none } .panel { fill: #fff; stroke: #64748b }
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A region's place in the picture."""

    region: Region
    devices: Sequence[Device]
    zones: Sequence[str]
    internet: str
    x: int = 0
    y: int = 0

    @property
    def tiers(self) -> list[list[Device]]:
        """Return the devices, a list for each tier."""
        return [list(tier) for _, tier in groupby(self.devices, key=lambda each: each.role)]

    @property
    def width(self) -> int:
        """Return the width that the widest tier needs."""
        widest = max((len(tier) for tier in self.tiers), default=1)
        return max(widest, 3) * STEP_X - (STEP_X - DEVICE_WIDTH) + 2 * PADDING

    @property
    def chips_in_a_row(self) -> int:
        """Return how many zones stand beside each other."""
        return max(1, (self.width - 2 * PADDING) // CHIP_WIDTH)

    @property
    def height(self) -> int:
        """Return the height of heading, tiers and zones."""
        rows = -(-len(self.zones) // self.chips_in_a_row)
        return HEADING + 20 + len(self.tiers) * STEP_Y + rows * CHIP_HEIGHT + PADDING


def topology_svg(site: Site) -> str:
    """Return the picture."""
    panels = _placed(site)
    width = max(panel.x + panel.width for panel in panels) + MARGIN
    height = max(panel.y + panel.height for panel in panels) + MARGIN + 30
    body = [
        *_trunks(site, panels),
        *(part for panel in panels for part in _panel(site, panel)),
        *_legend(height - 22),
    ]
    title = f"{both(site.identity.display)}: network"
    return picture(width, height, title=title, parts=body, style=STYLE, ground="#f8fafc")


def _placed(site: Site) -> list[Panel]:
    """Place the hub on top and all other regions in one row below it.

    In one row, so that no line passes behind a region that it has nothing to do with.
    """
    panels = [_of_region(site, region) for region in site.regions]
    rows = [
        [panel for panel in panels if (panel.region.kind is RegionKind.CITY) is hub]
        for hub in (True, False)
    ]
    widths = [sum(p.width for p in row) + PANEL_GAP * (len(row) - 1) for row in rows]
    placed, y = [], MARGIN
    for row, width in zip(rows, widths, strict=True):
        x = MARGIN + (max(widths) - width) // 2
        for panel in row:
            placed.append(replace(panel, x=x, y=y))
            x += panel.width + PANEL_GAP
        y += max((panel.height for panel in row), default=0) + TRUNK_GAP
    return placed


def _of_region(site: Site, region: Region) -> Panel:
    lines = [
        f"{each.provider} {speed(each.bandwidth_mbps)}"
        for each in site.network.carriers
        if {each.from_region, each.to} == {region.name, INTERNET}
    ]
    return Panel(
        region=region,
        devices=devices_of(site, region.name),
        zones=zones_of(site, region.name),
        internet=f"Internet: {', '.join(lines)}" if lines else "no line to the internet",
    )


def _trunks(site: Site, panels: Sequence[Panel]) -> Iterator[str]:
    """Draw the lines between regions behind the panels, each with its carrier."""
    at = {panel.region.name: panel for panel in panels}
    trunks: dict[tuple[str, str], list[Carrier]] = {}
    for carrier in site.network.carriers:
        ends = sorted((carrier.from_region, carrier.to), key=lambda e: at[e].y if e in at else 0)
        if INTERNET not in ends:
            trunks.setdefault((ends[0], ends[1]), []).append(carrier)
    for (upper, lower), carriers in trunks.items():
        above, below = at[upper], at[lower]
        for number, carrier in enumerate(carriers):
            x = below.x + below.width * (number + 1) // (len(carriers) + 1)
            edge = 8 + 14 * number
            start = min(max(x, above.x + edge), above.x + above.width - edge)
            bottom = above.y + above.height
            path = f"M{start} {bottom} V{bottom + 14} L{x} {below.y - 34} V{below.y}"
            yield hinted(f'<path class="line" d="{path}"/>', f"{carrier.name}: {carrier.route}")
            words = f"{carrier.provider.removeprefix('China ')} {speed(carrier.bandwidth_mbps)}"
            yield styled(x, below.y - 22 + 13 * (number % 2), words, kind="c")


def _panel(site: Site, panel: Panel) -> Iterator[str]:
    x, y = panel.x, panel.y
    yield f'<g id="region-{panel.region.name}">'
    size = f'width="{panel.width}" height="{panel.height}"'
    yield f'<rect class="panel" x="{x}" y="{y}" {size} rx="8"/>'
    yield styled(x + PADDING, y + 22, both(panel.region.display), kind="t")
    yield styled(x + PADDING, y + 39, f"{panel.region.name}. {panel.internet}", kind="s")
    places = _places(panel)
    yield from _links(site, panel, places)
    for device in panel.devices:
        yield _device(device, places[device.name], panel.region.name)
    yield from _chips(site, panel)
    yield "</g>"


def _places(panel: Panel) -> dict[str, tuple[int, int]]:
    """Return the centre of each device."""
    places = {}
    for row, tier in enumerate(panel.tiers):
        y = panel.y + HEADING + 22 + row * STEP_Y
        left = panel.x + (panel.width - len(tier) * STEP_X) // 2 + STEP_X // 2
        for column, device in enumerate(tier):
            places[device.name] = (left + column * STEP_X, y + DEVICE_HEIGHT // 2)
    return places


def _links(site: Site, panel: Panel, places: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for link in site.network.links:
        ends = [end.partition(":")[0] for end in (link.a, link.b)]
        if all(end in places for end in ends):
            title = f"{link.name}: {speed(link.speed_mbps)}"
            yield _line(places[ends[0]], places[ends[1]], ("link", title))
    for device in panel.devices:
        # Each pair once.
        if device.pair and device.pair in places and device.name < device.pair:
            title = f"pair {device.name}, {device.pair}"
            yield _line(places[device.name], places[device.pair], ("pair", title))


def _line(start: tuple[int, int], end: tuple[int, int], look: tuple[str, str]) -> str:
    kind, title = look
    (x1, y1), (x2, y2) = start, end
    place = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return hinted(f'<line class="{kind}" {place}/>', title)


def _device(device: Device, place: tuple[int, int], region: str) -> str:
    x, y = place[0] - DEVICE_WIDTH // 2, place[1] - DEVICE_HEIGHT // 2
    title = f"{device.name}: {device.vendor} {device.model}, {device.rack} U{device.unit}"
    parts = (
        f'<rect x="{x}" y="{y}" width="{DEVICE_WIDTH}" height="{DEVICE_HEIGHT}" rx="4" '
        f'fill="{FILLS[device.role]}" stroke="#475569"/>',
        styled(place[0], y + 13, device.name.removeprefix(f"{region}-"), kind="d"),
        styled(place[0], y + 23, device.vendor, kind="v"),
    )
    return hinted("".join(parts), title)


def _chips(site: Site, panel: Panel) -> Iterator[str]:
    order = [zone.name for zone in site.network.zones]
    top = panel.y + HEADING + 24 + len(panel.tiers) * STEP_Y - 8
    for number, zone in enumerate(panel.zones):
        row, column = divmod(number, panel.chips_in_a_row)
        x, y = panel.x + PADDING + column * CHIP_WIDTH, top + row * CHIP_HEIGHT
        fill = ZONE_FILLS[order.index(zone) % len(ZONE_FILLS)]
        yield f'<rect x="{x}" y="{y}" width="{CHIP_WIDTH - 4}" height="15" rx="7" fill="{fill}"/>'
        yield styled(x + (CHIP_WIDTH - 4) // 2, y + 11, zone, kind="z")


def _legend(y: int) -> Iterator[str]:
    x = MARGIN
    for role, fill in FILLS.items():
        yield f'<rect x="{x}" y="{y - 10}" width="14" height="12" fill="{fill}" stroke="#475569"/>'
        yield styled(x + 19, y, role.value, kind="s")
        x += 100
    for kind, word in (("link", "link"), ("pair", "redundant pair"), ("line", "leased line")):
        yield f'<line class="{kind}" x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}"/>'
        yield styled(x + 30, y, word, kind="s")
        x += 130
    yield styled(x, y, "Coloured chips are the security zones of a region.", kind="s")
