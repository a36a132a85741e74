"""What the commands of `orchestrator maintenance` share: needs, servers, and limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.playbook_options import Aim
from orchestrator.planning.services import RENEW_DAYS

if TYPE_CHECKING:
    from orchestrator.model.hardware import Server
    from orchestrator.workflows.hardware import ServerFilter

Command = Callable[..., int]

NEEDS = {
    "--patch": "Upgrade all packages; reboot where that needs it.",
    "--kernel": "Upgrade the kernel, and boot it.",
    "--reboot": "Reboot.",
    "--certificates": "Give hosts whose certificate ends soon a new one; nothing is disturbed.",
    "--firmware": "Bring firmware to what the profiles declare, and switch servers off and on.",
}
MINUTES = 15.0
BUDGET = 1

cloud_option = click.option(
    "--os-cloud",
    "cloud",
    metavar="NAME",
    envvar="ORCHESTRATOR_OS_CLOUD",
    show_envvar=True,
    help="A cloud of clouds.yaml; default: $OS_CLOUD, or the one the site names.",
)


def with_needs(command: Command) -> Command:
    """Add an option for each need; the command gets them as one set, `needs`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, **given: Any) -> int:  # noqa: ANN401 - Click's
        from orchestrator.model.maintenance import Need

        asked = {need: given.pop(need.value) for need in Need}
        return command(*args, needs=frozenset(need for need in Need if asked[need]), **given)

    gather = click.option(
        "--expiring-within",
        "renew_days",
        type=click.IntRange(1),
        default=RENEW_DAYS,
        show_default=True,
        metavar="DAYS",
        help="With --certificates: which ones end soon; 4000 means all.",
    )(gather)
    for name, said in reversed(NEEDS.items()):
        gather = click.option(name, is_flag=True, help=said)(gather)
    return gather


def with_limits(command: Command) -> Command:
    """Add how far a run may go; the command gets it as `limits`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(
        *args: Any,  # noqa: ANN401 - Click's
        budget: int,
        boot_minutes: float,
        move_minutes: float,
        power_cycle: bool,
        any_time: bool,
        **rest: Any,  # noqa: ANN401 - Click's
    ) -> int:
        from orchestrator.workflows.maintenance_acts import Limits

        limits = Limits(
            budget=budget,
            boot_seconds=boot_minutes * 60,
            move_seconds=move_minutes * 60,
            power_cycle=power_cycle,
            any_time=any_time,
        )
        return command(*args, limits=limits, **rest)

    for add in reversed(_LIMITS):
        gather = add(gather)
    return gather


_LIMITS = (
    click.option(
        "--budget",
        type=click.IntRange(1),
        default=BUDGET,
        show_default=True,
        help="Begin nothing new after this many failures.",
    ),
    click.option(
        "--boot-minutes",
        type=click.FloatRange(0.01),
        default=MINUTES,
        show_default=True,
        help="For a host to come back from its reboot.",
    ),
    click.option(
        "--move-minutes",
        type=click.FloatRange(0.01),
        default=MINUTES,
        show_default=True,
        help="For one instance to be moved; then it is aborted.",
    ),
    click.option(
        "--power-cycle",
        is_flag=True,
        help="Let its BMC switch a host off and on that does not come back.",
    ),
    click.option(
        "--outside-window",
        "any_time",
        is_flag=True,
        help="Begin outside of maintenance windows and in freezes, too.",
    ),
)


def meant_servers(aim: Aim, hosts: tuple[str, ...], wanted: ServerFilter) -> tuple[Server, ...]:
    """Return the servers that are meant: all, where nothing narrows that down.

    Raises:
        click.UsageError: a name is not declared, or no server fits.
    """
    from orchestrator.cli.hardware_options import chosen_among

    servers = chosen_among(aim.site, wanted, hosts)
    if not servers:
        raise click.UsageError("none of these servers is meant by the other options")
    return servers
