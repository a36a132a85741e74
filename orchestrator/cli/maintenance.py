"""`orchestrator maintenance`: plan, carry out, go on, and see how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.approval import approve
from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import with_filter
from orchestrator.cli.maintenance_options import (
    NEEDS,
    cloud_option,
    meant_servers,
    with_limits,
    with_needs,
)
from orchestrator.cli.playbook_options import Aim, hosts_option, named_playbook, with_aim

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.model.maintenance import MaintenancePlan, Need
    from orchestrator.model.maintenance_report import MaintenanceReport
    from orchestrator.workflows.hardware import ServerFilter
    from orchestrator.workflows.maintenance_acts import Limits, MaintenancePorts

PLAN_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

STOPPING = (
    "Stopping: no further host is begun, and those that are worked on now are finished. Once more "
    "to stop at once; `orchestrator maintenance resume` then goes on from there."
)


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator maintenance plan --patch --role database --out tonight.plan",
        "orchestrator maintenance run tonight.plan",
        "orchestrator maintenance resume",
    ),
)
def maintenance() -> None:
    """Patch, reboot, certify and update hosts; services go on.

    A plan says for each host where its instances and its databases' primaries
    go first, and which hosts are worked on together: never two that stand in
    for each other.
    """


@maintenance.command(
    examples=(
        "orchestrator maintenance plan --patch --reboot --out tonight.plan",
        "orchestrator maintenance plan --reboot --hosts city-cmp-001,city-cmp-002",
        "orchestrator maintenance plan --kernel --region dr -o json",
        "orchestrator maintenance plan --certificates --expiring-within 60 --out renew.plan",
    ),
)
@with_needs
@with_filter
@hosts_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan: `maintenance run FILE` carries it out exactly so, or refuses.",
)
@cloud_option
@with_aim
@pass_desk
def plan(  # noqa: PLR0913 - Click's options, by name
    desk: Desk,
    *,
    needs: frozenset[Need],
    renew_days: int,
    wanted: ServerFilter,
    hosts: tuple[str, ...],
    out: Path | None,
    cloud: str | None,
    aim: Aim,
) -> int:
    """Show what maintenance would do, host by host; nothing is changed.

    The hosts are asked what is pending, Nova where instances are and which may
    be moved, the databases where their primaries are; with --certificates the
    hosts when theirs end, with --firmware the BMCs what runs. Without --hosts or a
    filter all declared servers are meant. What speaks against a host is shown
    first, and the host is left as it is.

    Exits with 0 when every host is planned or needs nothing, with 6 when some
    are left as they are, and with 1 when all are.
    """
    from orchestrator.adapters.maintenance_records import write_maintenance_plan
    from orchestrator.cli.render.maintenance import plan_json, plan_parts
    from orchestrator.workflows.maintenance_plan import Wish, make_plan

    if not needs:
        raise click.UsageError(f"say what is to be done: {', '.join(NEEDS)}.")
    servers = meant_servers(aim, hosts, wanted)
    wish = Wish(site=aim.site, needs=needs, servers=servers, renew_days=renew_days)
    made = make_plan(wish, _ports(desk, aim, cloud))
    if out is not None:
        write_maintenance_plan(out, made)
    openings = _openings(desk, aim, made)
    if aim.as_json:
        desk.screen.data(plan_json(made, openings))
    else:
        desk.screen.show(*plan_parts(made, openings))
    if not made.blocked:
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if made.operations or made.idle else ExitCode.FAILED


@maintenance.command(
    examples=(
        "orchestrator maintenance run tonight.plan",
        "orchestrator maintenance run tonight.plan --budget 2 --power-cycle --yes",
    ),
)
@click.argument("plan_file", metavar="PLAN", type=PLAN_FILE)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@with_limits
@cloud_option
@with_aim
@pass_desk
def run(
    desk: Desk, *, plan_file: Path, yes: bool, limits: Limits, cloud: str | None, aim: Aim
) -> int:
    """Carry out a saved plan, batch by batch.

    The plan is refused when a host, an instance or a primary moved since it
    was made. What is done is in a journal before it is done: after a kill or a
    failure `maintenance resume` goes on to the same end.

    Exits with 0 when all is done, with 6 when some is, with 1 when nothing is,
    with 3 when the plan is stale, and with 5 outside of the windows.
    """
    from orchestrator.adapters.maintenance_records import read_maintenance_plan
    from orchestrator.errors import RefusedError
    from orchestrator.workflows.maintenance_plan import refuse_stale

    made = read_maintenance_plan(plan_file)
    ports = _ports(desk, aim, cloud)
    with ports.playbooks.lock.hold(why=f"maintenance {made.id}"):
        if made.id in {one.id for one in ports.records.plans()}:
            raise RefusedError(
                f"the maintenance {made.id} was begun already",
                remedy=f"Go on with it: orchestrator maintenance resume {made.id}",
            )
        refuse_stale(aim.site, made, ports)
        _approve(desk, aim, made, yes=yes)
        report = _carry_out(desk, aim, made, ports=ports, limits=limits)
    return _end(desk, aim, report)


@maintenance.command(
    examples=(
        "orchestrator maintenance resume",
        "orchestrator maintenance resume 20261122-230012-4f1a9c --power-cycle --yes",
    ),
)
@click.argument("plan_id", metavar="[PLAN]", required=False)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@with_limits
@cloud_option
@with_aim
@pass_desk
def resume(
    desk: Desk, *, plan_id: str | None, yes: bool, limits: Limits, cloud: str | None, aim: Aim
) -> int:
    """Go on with maintenance that was stopped, killed, or failed in part.

    What is done is not done again; what was under way is looked at first.
    Without a PLAN the newest one that has work left is meant.
    """
    from orchestrator.workflows.maintenance_standing import unfinished

    ports = _ports(desk, aim, cloud)
    with ports.playbooks.lock.hold(why="resume maintenance"):
        made = unfinished(ports.records, plan_id)
        _approve(desk, aim, made, yes=yes)
        report = _carry_out(desk, aim, made, ports=ports, limits=limits)
    return _end(desk, aim, report)


@maintenance.command(
    examples=("orchestrator maintenance status", "orchestrator maintenance status -o json"),
)
@click.argument("plan_id", metavar="[PLAN]", required=False)
@with_aim
@pass_desk
def status(desk: Desk, *, plan_id: str | None, aim: Aim) -> int:
    """Show how maintenance stands, from its journal: nobody is asked.

    Without a PLAN the newest one is shown.
    """
    from orchestrator.cli.render.maintenance import (
        disabled_lines,
        plans_table,
        report_json,
        report_parts,
    )
    from orchestrator.workflows.maintenance_standing import begun, standing, still_disabled

    records = _ports(desk, aim, None).records
    plans = records.plans()
    reports = [standing(records, one) for one in plans]
    left = still_disabled(records)
    shown = standing(records, begun(plans, plan_id)) if plans or plan_id else None
    if aim.as_json:
        desk.screen.data(
            {
                "plans": [one.id for one in plans],
                "shown": report_json(shown) if shown else None,
                "disabled": dict(left),
            }
        )
    elif shown is None:
        desk.screen.show("No maintenance was begun.")
    else:
        lines = disabled_lines(left)
        desk.screen.show(plans_table(plans, reports), "", *report_parts(shown), *lines)
    return ExitCode.DONE


def _ports(desk: Desk, aim: Aim, cloud: str | None) -> MaintenancePorts:
    from dataclasses import replace

    access = replace(aim.access, cloud=cloud)
    return desk.wiring.maintenance(aim.directory, aim.site, access=access)


def _openings(desk: Desk, aim: Aim, made: MaintenancePlan) -> dict[str, datetime | None]:
    from zoneinfo import ZoneInfo

    from orchestrator.planning.windows import next_opening

    local = desk.wiring.clock.now().astimezone(ZoneInfo(aim.site.identity.timezone))
    regions = dict.fromkeys(batch.region for batch in made.batches)
    return {region: next_opening(aim.site.system, region, local) for region in regions}


def _approve(desk: Desk, aim: Aim, made: MaintenancePlan, *, yes: bool) -> None:
    from orchestrator.cli.render.maintenance import plan_parts

    show = desk.screen.note if aim.as_json else desk.screen.show
    show(*plan_parts(made, _openings(desk, aim, made)), "")
    if made.operations and not yes:
        approve(
            desk,
            f"Work on {len(made.operations)} hosts?",
            otherwise="nothing was done",
        )


def _carry_out(
    desk: Desk, aim: Aim, made: MaintenancePlan, *, ports: MaintenancePorts, limits: Limits
) -> MaintenanceReport:
    from orchestrator.cli.interrupts import catching
    from orchestrator.cli.render.maintenance import telling
    from orchestrator.workflows.maintenance import PATCH_PLAYBOOK, Maintenance

    work = Maintenance(
        site=aim.site,
        plan=made,
        ports=ports,
        limits=limits,
        patch=named_playbook(PATCH_PLAYBOOK),
        told=telling(desk.screen.err, made),
    )
    with catching(work.stop, desk.screen.note, softly=STOPPING) as interrupts:
        interrupts.soften()
        return work.run()


def _end(desk: Desk, aim: Aim, report: MaintenanceReport) -> int:
    from orchestrator.cli.render.maintenance import report_json, report_parts

    if aim.as_json:
        desk.screen.data(report_json(report))
    else:
        desk.screen.show("", *report_parts(report))
    return _code_of(report)


def _code_of(report: MaintenanceReport) -> ExitCode:
    from orchestrator.model.maintenance_report import OperationOutcome

    done = report.count(OperationOutcome.DONE)
    if all(one.outcome.is_well for one in report.results):
        return ExitCode.DONE
    if report.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.PARTLY_DONE if done else ExitCode.FAILED
