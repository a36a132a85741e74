"""How things are called in output: display names in both languages, kinds without their package."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.site import Layer, Site
from orchestrator.model.stack import Action, StackName
from orchestrator.model.units import Text

VERBS: Mapping[Action, str] = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.KEEP_ORPHAN: "keep-orphan",
}
"""The word for each action in JSON output; the text output shows the mark."""

STYLES: Mapping[Action, str] = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "bold red",
    Action.DELETE: "bold red",
    Action.KEEP_ORPHAN: "cyan",
}


def both(text: Text) -> str:
    """Return a display text in both languages."""
    return text.zh if text.zh == text.en else f"{text.zh} {text.en}"


def display_of_stack(site: Site, stack: StackName) -> str:
    """Return what people call the stack's region or tenant; empty where the site has no such."""
    if stack.layer is Layer.TENANCY:
        shown = {tenant.name: tenant.display for tenant in site.tenancy.tenants}
    else:
        shown = {region.name: region.display for region in site.regions}
    found = shown.get(stack.name)
    if found is None and stack.name == "site":
        found = site.identity.display
    return both(found) if found else ""


def kind_name(token: str) -> str:
    """Return a type token without our package: `identity:Project`."""
    return token.removeprefix("govcloud:")


def plural(count: int, noun: str) -> str:
    """Return a number with its noun: `1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size_line(site: Site) -> str:
    """Return what a site without errors holds, in one line."""
    projects = sum(len(tenant.projects) for tenant in site.tenancy.tenants)
    return (
        f"{site.name} ({both(site.identity.display)}): no errors. "
        f"{plural(len(site.regions), 'region')}, {plural(len(site.room.racks), 'rack')}, "
        f"{plural(len(site.hardware.servers), 'server')}, "
        f"{plural(len(site.tenancy.tenants), 'tenant')}, {plural(projects, 'project')}."
    )
