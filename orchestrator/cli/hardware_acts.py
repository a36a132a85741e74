"""The commands of `orchestrator hardware` that do something to servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import (
    Reach,
    chosen,
    declared_site,
    named_server,
    parallel_option,
    reached,
    with_filter,
    with_reach,
)
from orchestrator.model.inventory import BootDevice, PowerAct
from orchestrator.model.units import REFERENCE_SCHEME, SecretRef

if TYPE_CHECKING:
    from orchestrator.ports.bmc import BmcAct
    from orchestrator.workflows.hardware import ServerFilter

STATUS = "status"

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator hardware power city-cmp-001 status",
        "orchestrator hardware power city-cmp-001 off --yes",
        "orchestrator hardware power city-cmp-001 cycle --force",
    ),
)
@click.argument("server")
@click.argument("act", type=click.Choice([*(act.value for act in PowerAct), STATUS]))
@click.option("--force", is_flag=True, help="Do not ask the operating system to shut down.")
@yes_option
@with_reach
@pass_desk
def power(desk: Desk, *, server: str, act: str, force: bool, yes: bool, reach: Reach) -> int:
    """Switch one server on or off, off and on, or say how it is.

    Returns when the BMC sees it done, after two minutes at the latest.
    """
    from orchestrator.ports.bmc import SwitchPower

    if act != STATUS:
        switch = SwitchPower(act=PowerAct(act), forced=force)
        question = None if yes else f"Switch {server}: {act}?"
        return _act(desk, server, switch, reach=reach, question=question)
    named = named_server(declared_site(desk, reach), server)
    _say(desk, server, reached(desk, reach).bmcs.power(named).value, reach=reach)
    return ExitCode.DONE


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator hardware led city-cmp-001 on",
        "orchestrator hardware led city-cmp-001 off",
    ),
)
@click.argument("server")
@click.argument("state", type=click.Choice(["on", "off"]))
@with_reach
@pass_desk
def led(desk: Desk, *, server: str, state: str, reach: Reach) -> int:
    """Light the lamp by which one server is found in its rack."""
    from orchestrator.ports.bmc import SetIndicator

    act = SetIndicator(lit=state == "on")
    return _act(desk, server, act, reach=reach, done=f"The lamp of {server} is {state}.")


@click.command(
    cls=DocumentedCommand,
    examples=("orchestrator hardware boot city-cmp-001 pxe --yes",),
)
@click.argument("server")
@click.argument("device", type=click.Choice([device.value for device in BootDevice]))
@yes_option
@with_reach
@pass_desk
def boot(desk: Desk, *, server: str, device: str, yes: bool, reach: Reach) -> int:
    """Let the next boot of one server, and only that, be from another device."""
    from orchestrator.ports.bmc import BootOnce

    act = BootOnce(device=BootDevice(device))
    question = None if yes else f"Boot {server} from {device} the next time?"
    done = f"{server} boots from {device} the next time."
    return _act(desk, server, act, reach=reach, question=question, done=done)


@click.command(
    "rotate-password",
    cls=DocumentedCommand,
    examples=("orchestrator hardware rotate-password --region city --to bmc/city-2027",),
)
@click.option("--to", "name", required=True, metavar="NAME", help="The new secret's path/name.")
@with_filter
@yes_option
@parallel_option
@with_reach
@pass_desk
def rotate_password(
    desk: Desk, *, name: str, wanted: ServerFilter, yes: bool, parallel: int, reach: Reach
) -> int:
    """Give BMCs a new random password, under a new name in the vault.

    The password is stored before any BMC has it; a run that is cut off is
    finished by the same command. Then write the new reference into the site:
    until then both passwords are tried.
    """
    from orchestrator.cli.render.hardware import rotation_json, rotation_parts
    from orchestrator.spec.secrets import is_secret_ref
    from orchestrator.workflows.hardware import rotate_passwords

    reference = SecretRef(REFERENCE_SCHEME + name.removeprefix(REFERENCE_SCHEME))
    if not is_secret_ref(reference):
        raise click.UsageError(f"`{reference}` is no reference: write it as path/name")
    servers = chosen(declared_site(desk, reach), wanted)
    if not yes:
        approve(desk, f"Change the password of {len(servers)} BMCs to {reference}?")
    ports = reached(desk, reach)
    with ports.lock.hold(why="rotate BMC passwords"):
        found = rotate_passwords(servers, reference, ports, parallel=parallel)
    if reach.as_json:
        desk.screen.data(rotation_json(found))
    else:
        desk.screen.show(*rotation_parts(found))
    if not found.failed:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if found.changed or found.had_it else ExitCode.FAILED


COMMANDS = (power, led, boot, rotate_password)


def _act(
    desk: Desk,
    server: str,
    act: BmcAct,
    *,
    reach: Reach,
    question: str | None = None,
    done: str = "",
) -> int:
    """Do one thing, and say `done`, or else the power state that the server has then."""
    from orchestrator.workflows.hardware import act_on

    named = named_server(declared_site(desk, reach), server)
    if question is not None:
        approve(desk, question)
    _say(desk, server, act_on(named, act, reached(desk, reach)).value, reach=reach, done=done)
    return ExitCode.DONE


def _say(desk: Desk, server: str, state: str, *, reach: Reach, done: str = "") -> None:
    if reach.as_json:
        desk.screen.data({"server": server, "power": state})
    else:
        desk.screen.show(done or f"{server} is {state}.")
