"""What other hands changed in the cloud, as people read it."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.render.names import display_of_stack, kind_name, plural
from orchestrator.cli.render.values import change_lines
from orchestrator.model.plan import DriftReport
from orchestrator.model.site import Site
from orchestrator.model.stack import ResourceDrift


def drift_text(report: DriftReport, site: Site) -> list[Text]:
    """Return the drifts by stack, with the recorded and the observed values."""
    parts: list[Text] = []
    for stack, drifts in sorted(report.drifts.items()):
        if drifts:
            heading = Text.assemble((str(stack), "bold underline"), "  ")
            parts += [heading.append(display_of_stack(site, stack))]
            parts += [*(_drift(drift) for drift in drifts), Text()]
    return [*parts, _count(report)]


def _drift(drift: ResourceDrift) -> Text:
    mark, style, word = (
        ("-", "bold red", "gone from the cloud")
        if drift.gone
        else ("~", "yellow", "changed outside")
    )
    text = Text(f"  {mark:<3} ", style)
    text.append(drift.name, "bold").append(f"  {kind_name(drift.kind)}", "dim")
    text.append(f"  {word}", "magenta")
    for attribute in drift.attributes:
        for line in change_lines(attribute):
            text.append(f"\n        {line}")
    return text


def _count(report: DriftReport) -> Text:
    found = [drift for drifts in report.drifts.values() for drift in drifts]
    looked = f"({plural(report.observed_resources, 'resource')} observed)"
    if not found:
        return Text(f"No drift: the cloud is as it was left {looked}.", "green")
    gone = sum(drift.gone for drift in found)
    return Text(
        f"Drift: {gone} gone, {len(found) - gone} changed outside {looked}. "
        f"`orchestrator apply` puts them right.",
        "bold",
    )
