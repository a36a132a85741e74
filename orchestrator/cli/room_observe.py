"""`orchestrator room observe`: read the devices of the machine rooms, and judge their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import Showing, Target, with_showing, with_target

if TYPE_CHECKING:
    from orchestrator.model.site import Site
    from orchestrator.workflows.observe_rooms import ObservedRooms


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator room observe",
        "orchestrator room observe --room city-hall-1 --verbose",
        "orchestrator room observe -o json",
    ),
)
@with_target(scoped=False, site_named=True)
@click.option(
    "--room", "rooms", multiple=True, metavar="NAME", help="Only this room; may be repeated."
)
@with_showing("Show every device's readings, too.")
@pass_desk
def observe(desk: Desk, *, target: Target, rooms: tuple[str, ...], showing: Showing) -> int:
    """Read PDUs, UPSs and sensors over SNMP, and judge the rooms' rules.

    Each rule of GB 50174 is pass, fail, unknown (a reading is missing) or
    manual (no device can tell). Nothing is written to a device.

    Exits with 1 where a rule fails, and with 6 where none fails but one is
    unknown: unknown is never pass.
    """
    from orchestrator.cli.render.rooms import rooms_json, rooms_parts
    from orchestrator.cli.sites import checked_site
    from orchestrator.workflows.observe_rooms import observe_rooms

    checked = checked_site(desk, target.site)
    _refuse_unknown_rooms(checked.site, rooms)
    devices = desk.wiring.room_devices(checked.loaded.directory, target.access)
    try:
        observed = observe_rooms(checked.site, devices, rooms=rooms)
    finally:
        devices.close()
    if showing.as_json:
        desk.screen.data(rooms_json(observed))
    else:
        desk.screen.show(*rooms_parts(observed, whole=showing.whole or desk.verbose))
    return exit_code(observed)


def exit_code(observed: ObservedRooms) -> ExitCode:
    """Return what the verdicts mean together: the worst of them."""
    from orchestrator.model.verdict import Verdict

    verdicts = {verdict.verdict for verdict in observed.verdicts}
    if Verdict.FAIL in verdicts:
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if Verdict.UNKNOWN in verdicts else ExitCode.DONE


def _refuse_unknown_rooms(site: Site, rooms: tuple[str, ...]) -> None:
    from orchestrator.model.names import did_you_mean

    for name in rooms:
        if name not in site.rooms_by_name:
            guess = did_you_mean(name, site.rooms_by_name)
            raise click.UsageError(f"the site has no room `{name}`.{guess}")
