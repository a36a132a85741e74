"""`orchestrator lab`: run a real OpenStack on this machine to try things on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.options import DIRECTORY, output_option, password_file_option

if TYPE_CHECKING:
    from orchestrator.lab.settings import LabSettings

FOLDER = ".lab"
SOME_OF_EACH_ROLE = "*"
"""What `--hosts` means without names."""
NO_HOSTS = "none"

Command = Callable[..., int]


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator lab up inventory/yangzhou",
        'eval "$(orchestrator lab env)"',
        "openstack server list",
        "orchestrator lab down",
    ),
)
def lab() -> None:
    """Run a real OpenStack on this machine to try things on.

    Keystone, Placement, Glance, Neutron, Nova (without a hypervisor), Cinder
    and Ironic, and an emulated BMC for each server of a site: in their own
    virtual environment, on 127.0.0.1, without root. As root, it also boots
    servers of the site as real hosts.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a lab is, as far as it was said."""

    directory: Path | None
    venv: Path | None


def with_place(command: Command) -> Command:
    """Add the options that say where the lab is; the command gets them as one `place`."""

    @wraps(command)
    # What Click parsed: ours by name, the rest is the command's own.
    def gather(*args: Any, directory: Path | None, venv: Path | None, **rest: Any) -> int:  # noqa: ANN401 - Click's
        return command(*args, place=Place(directory=directory, venv=venv), **rest)

    return directory_option(venv_option(gather))


directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    envvar="ORCHESTRATOR_LAB_DIR",
    show_envvar=True,
    help="The lab's folder; default: the nearest .lab upwards, or ./.lab.",
)

venv_option = click.option(
    "--venv",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    envvar="ORCHESTRATOR_LAB_VENV",
    show_envvar=True,
    help="OpenStack's virtual environment; default: venv in the lab.",
)


@lab.command(
    examples=(
        "orchestrator lab up inventory/yangzhou",
        "orchestrator lab up inventory/yangzhou --hosts",
        "orchestrator lab up inventory/yangzhou --hosts=city-db-01,city-bak-01",
        "orchestrator lab up --dir /var/tmp/lab",
    )
)
@click.argument("site", type=DIRECTORY, required=False, envvar="ORCHESTRATOR_SITE")
@with_place
@click.option(
    "--bmc-delay",
    type=click.FloatRange(0, 60),
    metavar="SECONDS",
    default=1.0,
    show_default=True,
    envvar="ORCHESTRATOR_LAB_BMC_DELAY",
    show_envvar=True,
    help="How long an emulated server takes to switch on or off.",
)
@click.option(
    "--hosts",
    is_flag=False,
    flag_value=SOME_OF_EACH_ROLE,
    metavar="[=NAME,...]",
    help="As root, boot these servers as hosts; without names a few of each role.",
)
@password_file_option
@pass_desk
def up(
    desk: Desk,
    *,
    site: Path | None,
    vault_password_file: Path | None,
    bmc_delay: float,
    hosts: str | None,
    place: Place,
) -> int:
    """Bring the lab up, or mend it: what runs as it should is left alone.

    With SITE, every server of the site gets an emulated BMC with the site's
    BMC logins; passwords that the site's vault lacks are generated.

    With --hosts, some of the servers are real Debian systems with SSH, each a
    systemd-nspawn machine whose power hangs on its BMC. Without it the lab
    keeps the hosts that it has; --hosts=none removes them.
    """
    from orchestrator.cli.render.lab import lab_watching
    from orchestrator.lab.contents import DEFAULT_CONTENTS, contents_of_site, hosts_of_site
    from orchestrator.lab.up import up as bring_up
    from orchestrator.spec.load import load_site

    contents, booted = DEFAULT_CONTENTS, None
    if hosts is not None and site is None:
        raise click.UsageError("--hosts boots servers of a site: name the SITE before it.")
    if site is not None:
        loaded = load_site(desk.at_site(site))
        vault = desk.wiring.vault(site, vault_password_file)
        contents = contents_of_site(loaded.site, vault)
        if hosts is not None:
            names = () if hosts == SOME_OF_EACH_ROLE else hosts.split(",")
            booted = () if hosts == NO_HOSTS else hosts_of_site(loaded.site, vault, names)
    settings = replace(
        _settings(place),
        power_delay_seconds=bmc_delay,
        physical_networks=contents.physical_networks,
    )
    with lab_watching(desk.screen.err) as watch:
        status = bring_up(
            settings,
            contents.bmcs,
            computes=contents.computes,
            snmp=contents.snmp,
            network=contents.network,
            hosts=booted,
            watch=watch,
        )
    if not status.is_up:
        return _show_broken(desk, settings)
    desk.screen.note(f"The lab is up in {settings.directory}, with {len(contents.bmcs)} BMCs.")
    desk.screen.note('For a shell: eval "$(orchestrator lab env)"')
    return ExitCode.DONE


@lab.command(examples=("orchestrator lab status", "orchestrator lab status -o json"))
@with_place
@output_option
@pass_desk
def status(desk: Desk, *, place: Place, output: str) -> int:
    """Say which services run; exit with 1 unless all do."""
    from orchestrator.cli.render.lab import status_json, status_parts
    from orchestrator.lab.health import lab_status

    found = lab_status(_settings(place))
    if output == "json":
        desk.screen.data(status_json(found))
    else:
        desk.screen.show(*status_parts(found))
    return ExitCode.DONE if found.is_up else ExitCode.FAILED


@lab.command(examples=("orchestrator lab down",))
@with_place
@pass_desk
def down(desk: Desk, *, place: Place) -> int:
    """Stop the lab; what it holds is kept."""
    from orchestrator.lab.up import down as take_down

    settings = _settings(place)
    stopped = take_down(settings)
    desk.screen.note(f"Stopped {stopped} services of {settings.directory}.")
    return ExitCode.DONE


@lab.command(examples=("orchestrator lab reset",))
@with_place
@pass_desk
def reset(desk: Desk, *, place: Place) -> int:
    """Stop the lab and forget all that it holds; the installed packages stay."""
    from orchestrator.lab.up import reset as wipe

    settings = _settings(place)
    wipe(settings)
    desk.screen.note(f"{settings.directory} is empty but for its packages.")
    return ExitCode.DONE


@lab.command(examples=('eval "$(orchestrator lab env)"',))
@with_place
@pass_desk
def env(desk: Desk, *, place: Place) -> int:
    """Print the lines that make a shell use the lab.

    They name the lab's clouds.yaml, which the standard clients then use in
    the place of your own, and where the site's BMC addresses are reached.
    """
    import sys

    from orchestrator.cli.render.lab import export_lines

    settings = _settings(place)
    _refuse_missing(settings)
    programs = (Path(sys.executable).parent, settings.venv / "bin")
    desk.screen.show(*export_lines(settings, programs))
    return ExitCode.DONE


@lab.command(examples=("orchestrator lab logs", "orchestrator lab logs nova"))
@click.argument("service", required=False)
@with_place
@click.option("-n", "lines", type=click.IntRange(1, 1000), default=15, show_default=True,
              help="Lines of each log.")  # fmt: skip
@pass_desk
def logs(desk: Desk, *, service: str | None, lines: int, place: Place) -> int:
    """Show where the logs are, and the last lines of SERVICE's."""
    from orchestrator.lab.logs import last_lines, log_files
    from orchestrator.lab.settings import SERVICES

    settings = _settings(place)
    if service is not None and service not in SERVICES:
        raise click.UsageError(f"the lab has no service `{service}`; it has {', '.join(SERVICES)}.")
    for name in (service,) if service else SERVICES:
        for file in log_files(settings, name):
            desk.screen.show(str(file))
            if service:
                desk.screen.out.file.write(last_lines(file, lines) + "\n\n")
    return ExitCode.DONE


def lab_settings(directory: Path | None, venv: Path | None = None) -> LabSettings:
    """Return where a lab is: as it was said, or the nearest one from here upwards."""
    from orchestrator.lab.settings import LabSettings

    folder = (directory or _nearest()).absolute()
    return LabSettings(directory=folder, venv=(venv or folder / "venv").absolute())


def _settings(place: Place) -> LabSettings:
    return lab_settings(place.directory, place.venv)


def _nearest() -> Path:
    """Return the nearest .lab folder from here upwards, or the one that would be made here."""
    here = Path.cwd()
    found = (folder / FOLDER for folder in (here, *here.parents) if (folder / FOLDER).is_dir())
    return next(found, here / FOLDER)


def _refuse_missing(settings: LabSettings) -> None:
    from orchestrator.errors import LabError

    if not settings.clouds.exists():
        raise LabError(
            f"there is no lab in {settings.directory}", remedy="Run: orchestrator lab up"
        )


def _show_broken(desk: Desk, settings: LabSettings) -> int:
    from orchestrator.cli.render.lab import status_parts
    from orchestrator.lab.health import lab_status

    desk.screen.note(*status_parts(lab_status(settings)))
    return ExitCode.FAILED
