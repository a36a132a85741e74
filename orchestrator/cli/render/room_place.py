"""Where servers would go: racks and units, or what limits each rack."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import plural
from orchestrator.cli.render.table import table
from orchestrator.model.units import Json
from orchestrator.planning.placement import Place
from orchestrator.workflows.room import Proposal


def proposal_parts(proposal: Proposal) -> list[RenderableType]:
    """Return the places by rack, and what limits the rest where not all fit."""
    places, wanted = proposal.placement.places, proposal.wanted
    parts: list[RenderableType] = []
    if places:
        parts += [table(("Rack", "Room", "Units"), _rows(places, wanted.units)), Text()]
    if len(places) < wanted.count:
        counts = Counter(proposal.placement.limits.values())
        rows = [(limit, plural(count, "rack")) for limit, count in counts.most_common()]
        parts += [table(("What limits", "Where"), rows), Text()]
    parts += [Text(fault, "bold red") for fault in proposal.faults]
    return [*parts, Text(_verdict(proposal), "green" if proposal.fits else "bold red")]


def proposal_json(proposal: Proposal) -> dict[str, Json]:
    """Return the same facts."""
    return {
        "fits": proposal.fits,
        "wanted": proposal.wanted.count,
        "placed": len(proposal.placement.places),
        "places": [
            {"rack": each.rack, "room": each.room, "unit": each.unit}
            for each in proposal.placement.places
        ],
        "limits": [
            {"rack": rack, "limit": limit} for rack, limit in proposal.placement.limits.items()
        ],
        "faults": list(proposal.faults),
    }


def _rows(places: tuple[Place, ...], height: int) -> Iterator[tuple[str, str, str]]:
    racks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in places:
        racks[each.rack, each.room].append(each.unit)
    for (rack, room), units in sorted(racks.items()):
        spans = (f"{unit}-{unit + height - 1}" if height > 1 else str(unit) for unit in units)
        yield rack, room, ", ".join(spans)


def _verdict(proposal: Proposal) -> str:
    wanted, placed = proposal.wanted, len(proposal.placement.places)
    if proposal.fits:
        racks = len({each.rack for each in proposal.placement.places})
        return (
            f"All {wanted.count} fit, in {plural(racks, 'rack')}; the checks of rooms and power "
            "find nothing new with them."
        )
    if proposal.faults:
        return "With them, the checks of rooms and power find new faults."
    return f"{placed} of {wanted.count} fit."
