"""`orchestrator image`: build golden images, see where they are, what is in them, who runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import with_filter
from orchestrator.cli.options import detailed_exit_code_option
from orchestrator.cli.playbook_options import Aim, with_aim

if TYPE_CHECKING:
    from orchestrator.model.image_build import ImageReport, Package
    from orchestrator.workflows.hardware import ServerFilter


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator image build debian-12-golden --declare",
        "orchestrator image list --live",
        "orchestrator image diff debian-12-golden debian-12-golden-next",
    ),
)
def image() -> None:
    """Build golden images, and see which hosts run which.

    An image with a `build` in the system layer is made from packages: the
    same input gives the same digest. `orchestrator apply --layer system`
    uploads it, like one that was brought.
    """


@image.command(
    examples=(
        "orchestrator image build debian-12-golden --site inventory/yangzhou",
        "orchestrator image build debian-12-golden --declare",
        "orchestrator image build debian-12-golden --out /srv/images -o json",
    ),
)
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Put it there, instead of where the site says.",
)
@click.option("--declare", is_flag=True, help="Write its digest into the site.")
@with_aim
@pass_desk
def build(desk: Desk, *, name: str, out: Path | None, declare: bool, aim: Aim) -> int:
    """Build an image, with its package list (CycloneDX) and its digest beside it.

    Where the result has another digest than the declared one, the declared
    file is left alone and the new one lies beside it as FILE.new: exits with
    1. With --declare the site gets the new digest, and the file its place.
    Needs root, or a range of user ids for a user namespace.
    """
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.render.images import build_json, build_parts
    from orchestrator.workflows.image_build import BuildWork, build_image
    from orchestrator.workflows.images import named_image

    if out is not None and declare:
        raise click.UsageError("--declare is for the site's own file: leave out --out.")
    work = BuildWork(
        site=aim.site,
        directory=aim.directory,
        image=named_image(aim.site, name),
        out=out,
        declare=declare,
    )
    ports = desk.wiring.image_build(aim.directory, aim.access)
    note = desk.screen.note
    with catching(lambda: None, lambda line: note(line)):
        report = build_image(work, ports, watch=lambda step: note(f"{name}: {step}"))
    if aim.as_json:
        desk.screen.data(build_json(report))
    else:
        desk.screen.show(*build_parts(report))
    return ExitCode.DONE if report.agrees else ExitCode.FAILED


@image.command(
    "list",
    examples=(
        "orchestrator image list",
        "orchestrator image list --live --role backup",
        "orchestrator image list --live -o json --detailed-exitcode",
    ),
)
@click.option("--live", is_flag=True, help="Ask the hosts, too, which image they run.")
@with_aim
@with_filter
@detailed_exit_code_option
@pass_desk
def list_(
    desk: Desk, *, live: bool, aim: Aim, wanted: ServerFilter, detailed_exit_code: bool
) -> int:
    """List the declared images: their files, and what Glance has of them.

    With --live the hosts are asked which image their deployment left a record
    of; who does not answer is unknown. A host whose image was built or
    brought anew since is out of date.
    """
    from orchestrator.cli.hardware_options import chosen
    from orchestrator.cli.render.images import report_json, report_parts
    from orchestrator.workflows.images import image_report

    if not live and (wanted.regions or wanted.racks or wanted.roles):
        raise click.UsageError("--role, --region and --rack choose hosts: give --live, too.")
    ports = desk.wiring.deployment(aim.directory, aim.site.identity, access=aim.access)
    asked = chosen(aim.site, wanted) if live else ()
    report = image_report(aim.site, aim.directory, ports.deployer, asked=asked, hosts=ports.hosts)
    if report.cloud_fault:
        desk.screen.note(f"The cloud did not tell which images it has: {report.cloud_fault}")
    if aim.as_json:
        desk.screen.data(report_json(report))
    else:
        desk.screen.show(*report_parts(report))
    return ExitCode.CHANGES if detailed_exit_code and not _all_well(report) else ExitCode.DONE


@image.command(
    examples=(
        "orchestrator image show debian-12-golden",
        "orchestrator image show debian-12-golden -o json",
    )
)
@click.argument("name")
@with_aim
@pass_desk
def show(desk: Desk, *, name: str, aim: Aim) -> int:
    """Show an image: what is declared, its file, and the packages in it."""
    from orchestrator.cli.render.images import image_json, image_parts
    from orchestrator.workflows.images import file_digest, named_image

    declared = named_image(aim.site, name)
    found = file_digest(aim.directory, declared)
    packages = _packages(aim, name)
    if aim.as_json:
        desk.screen.data(image_json(declared, found, packages))
    else:
        desk.screen.show(*image_parts(declared, found, packages))
    return ExitCode.DONE


@image.command(
    examples=(
        "orchestrator image diff debian-12-golden images/debian-12.tar.new.cdx.json",
        "orchestrator image diff debian-12-october debian-12-november -o json",
    )
)
@click.argument("old")
@click.argument("new")
@with_aim
@detailed_exit_code_option
@pass_desk
def diff(desk: Desk, *, old: str, new: str, aim: Aim, detailed_exit_code: bool) -> int:
    """Show which packages two images have differently.

    OLD and NEW are images of the site, or package lists (FILE.cdx.json).
    """
    from orchestrator.cli.render.images import difference_json, difference_parts
    from orchestrator.compile.package_list import difference
    from orchestrator.workflows.images import packages_of

    before, after = (packages_of(aim.site, aim.directory, named) for named in (old, new))
    found = difference(before, after)
    if aim.as_json:
        desk.screen.data(difference_json(found))
    else:
        desk.screen.show(*difference_parts(found))
    differs = bool(found.added or found.removed or found.changed)
    return ExitCode.CHANGES if detailed_exit_code and differs else ExitCode.DONE


def _packages(aim: Aim, name: str) -> tuple[Package, ...] | None:
    from orchestrator.workflows.images import named_image, package_list_of, read_list

    file = package_list_of(aim.directory, named_image(aim.site, name))
    return read_list(file) if file.exists() else None


def _all_well(report: ImageReport) -> bool:
    from orchestrator.model.image_build import CloudState, FileState, HostState

    return all(
        one.file is FileState.AGREES and one.cloud is CloudState.STORED for one in report.images
    ) and all(one.state is HostState.CURRENT for one in report.hosts)
