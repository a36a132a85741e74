"""The single-failure sweep of a site's rooms: what breaks when one piece is taken away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.checks import power, room, sweep
from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Finding

LOSS_RULES: tuple[Check, ...] = (
    power.rack_fits_each_side,
    power.power_nodes_carry_their_load,
    room.cooling_removes_the_heat,
    *sweep.CHECKS,
)
"""The rules that speak of a loss: of one side, of one cooling unit, of any one piece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """What single failures break."""

    taken_away: Mapping[str, int]
    """Pieces by kind; each was taken away once."""
    findings: tuple[tuple[Check, Finding], ...]


def find_losses(index: SiteIndex) -> Losses:
    """Take every piece of the power chain away once; return which rules that breaks."""
    return Losses(
        taken_away=Counter(node.kind.value for node in index.power_graph.nodes),
        findings=tuple((check, finding) for check in LOSS_RULES for finding in check.find(index)),
    )
