"""`orchestrator network diff|backup|backups`: the devices themselves, over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import Reach, with_reach

if TYPE_CHECKING:
    from orchestrator.model.physical_slices import NetworkDeviceSlice
    from orchestrator.ports.device import KeptConfiguration, NetworkDevices
    from orchestrator.workflows.network_devices import Comparison

devices_argument = click.argument("devices", nargs=-1, metavar="[DEVICE...]")


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator network diff --site inventory/yangzhou",
        "orchestrator network diff city-fw-core-1 city-router-1",
        "orchestrator network diff -o json",
    ),
)
@devices_argument
@with_reach
@pass_desk
def diff(desk: Desk, *, devices: tuple[str, ...], reach: Reach) -> int:
    """Compare what devices run with what is declared, line by line.

    Only devices with a login are asked; nothing is written. In the diff `-` is
    declared and not running, `+` is running and not declared.

    Exits with 0 when all run and have saved what is declared, with 2 when some
    do not, and with 6 when none differs but one could not be read.
    """
    from orchestrator.cli.render.network_devices import (
        comparison_parts,
        comparisons_json,
        device_watching,
    )
    from orchestrator.workflows.network_devices import compare_devices

    chosen, port = _reached(desk, reach, devices)
    with device_watching(desk.screen.err, len(chosen)) as told:
        found = compare_devices(chosen, port, told=told)
    if reach.as_json:
        desk.screen.data(comparisons_json(found))
    else:
        desk.screen.show(*comparison_parts(found))
    return _code_of(found)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator network backup --site inventory/yangzhou",
        "orchestrator network backup city-router-1",
    ),
)
@devices_argument
@with_reach
@pass_desk
def backup(desk: Desk, *, devices: tuple[str, ...], reach: Reach) -> int:
    """Keep what devices run in the site's state folder.

    Every push does this before and after. A configuration that is the same as
    the last backup is not kept twice. Exits with 6 where a device could not be
    read.
    """
    from orchestrator.cli.render.network_devices import device_watching, kept_json, kept_parts

    chosen, port = _reached(desk, reach, devices)
    with device_watching(desk.screen.err, len(chosen)) as told:
        answers = port.read(chosen, keep=True, told=told)
    if reach.as_json:
        desk.screen.data(kept_json(answers))
    else:
        desk.screen.show(*kept_parts(answers))
    return ExitCode.PARTLY_DONE if any(each.fault for each in answers) else ExitCode.DONE


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator network backups --site inventory/yangzhou",
        "orchestrator network backups city-router-1",
        "orchestrator network backups --show city-router-1/20261122T101902073536Z-before",
        "orchestrator network backups city-router-1 --diff",
    ),
)
@devices_argument
@click.option("--show", "shown", metavar="BACKUP", help="Print this backup.")
@click.option("--diff", "compared", is_flag=True, help="Compare a device's last two backups.")
@with_reach
@pass_desk
def backups(
    desk: Desk, *, devices: tuple[str, ...], shown: str | None, compared: bool, reach: Reach
) -> int:
    """List the kept configurations, print one, or compare two.

    With --diff and two names of backups those are compared, with the name of a
    device its last two. What follows a word for a secret is printed as `***`;
    the files themselves are readable by their owner only.
    """
    from orchestrator.cli.render.network_devices import backups_json, backups_parts, diff_lines

    port = _port(desk, reach)
    if shown is not None:
        desk.screen.raw(port.backup_text(shown).rstrip("\n"))
        return ExitCode.DONE
    kept = port.backups()
    if compared:
        old, new = _two(devices, kept)
        texts = [port.backup_text(name).splitlines() for name in (old, new)]
        desk.screen.show(*diff_lines(texts[0], texts[1], (old, new)))
        return ExitCode.CHANGES if texts[0] != texts[1] else ExitCode.DONE
    listed = [each for each in kept if not devices or each.device in devices]
    if reach.as_json:
        desk.screen.data(backups_json(listed))
    else:
        desk.screen.show(*backups_parts(listed))
    return ExitCode.DONE


def _two(named: tuple[str, ...], kept: tuple[KeptConfiguration, ...]) -> tuple[str, str]:
    """Return the two backups that are meant."""
    if len(named) == 2 and all("/" in name for name in named):
        return named[0], named[1]
    of_device = [each.name for each in kept if named and each.device == named[0]]
    if len(named) != 1 or len(of_device) < 2:
        raise click.UsageError("--diff wants two backups, or a device that has at least two")
    return of_device[-2], of_device[-1]


def _code_of(found: tuple[Comparison, ...]) -> ExitCode:
    from orchestrator.workflows.network_devices import Verdict

    verdicts = {each.verdict for each in found}
    if verdicts & {Verdict.DIFFERS, Verdict.UNSAVED}:
        return ExitCode.CHANGES
    return ExitCode.PARTLY_DONE if Verdict.UNKNOWN in verdicts else ExitCode.DONE


def _port(desk: Desk, reach: Reach) -> NetworkDevices:
    return desk.wiring.network_devices(desk.at_site(reach.site), reach.access)


def _reached(
    desk: Desk, reach: Reach, names: tuple[str, ...]
) -> tuple[tuple[NetworkDeviceSlice, ...], NetworkDevices]:
    """Return the devices that are meant, and what reaches them.

    Raises:
        click.UsageError: no such device has a login.
    """
    from orchestrator.cli.sites import checked_site
    from orchestrator.model.names import did_you_mean
    from orchestrator.workflows.network_devices import named_devices

    site = checked_site(desk, reach.site).site
    today = desk.wiring.clock.now().date()
    known = {device.name: device for device in named_devices(site, today=today)}
    for name in names:
        if name not in known:
            guess = did_you_mean(name, sorted(known))
            raise click.UsageError(f"no device `{name}` with a login is declared.{guess}")
    if not known:
        raise click.UsageError("no device of the site has a login: nothing can be reached")
    return tuple(known[name] for name in names) or tuple(known.values()), _port(desk, reach)
