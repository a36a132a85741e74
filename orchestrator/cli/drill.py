"""`orchestrator drill`: restore remote copies on a bare host, prove them, sign what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedGroup
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.interrupts import catching
from orchestrator.cli.playbook_options import Aim, with_aim
from orchestrator.errors import RefusedError
from orchestrator.model.names import did_you_mean

if TYPE_CHECKING:
    from orchestrator.model.backup import Subject
    from orchestrator.model.drill import DrillWork, Due
    from orchestrator.workflows.drill import KeptDrill, PastDrills
    from orchestrator.workflows.drill_run import DrillPorts

CLEARING = (
    "Stopping: the drill's host is cleared first, and no further drill is begun. Once more to stop "
    "at once; the next drill on that host then clears it."
)


@click.group(
    cls=DocumentedGroup,
    examples=(
        "orchestrator drill status",
        "orchestrator drill run gongan/population",
        "orchestrator drill run --due",
    ),
)
def drill() -> None:
    """Restore remote copies on a bare host, and prove them.

    "The backup finished" is not "the backup restores": a drill restores. It
    never touches the service that runs, nor the host that it runs on.
    """


@drill.command(
    examples=(
        "orchestrator drill run gongan/population --site inventory/yangzhou",
        "orchestrator drill run --due -o json",
        "orchestrator drill run gongan/population --from dr-store --on dr-spare-01",
    ),
)
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option("--due", is_flag=True, help="All that `drill status` does not show as current.")
@click.option(
    "--from", "repository", metavar="NAME", help="A repository; default: one outside the city."
)
@click.option(
    "--on", "host", metavar="NAME", help="A restore host without services; default: the first."
)
@with_aim
@pass_desk
def run(
    desk: Desk,
    *,
    aim: Aim,
    subjects: tuple[str, ...],
    due: bool,
    repository: str | None,
    host: str | None,
) -> int:
    """Restore the remote copy of services or files on a bare host, and prove it.

    Declares the loss now, cuts the host off from all but the repository,
    restores the newest copy, compares every table with what was counted at
    the backup, logs in as each role, and measures RPO and RTO. Then the host
    is cleared, also after Ctrl-C. What was seen is signed and kept.

    Exits with 0 when all drills passed, with 6 when some did, with 1 when
    none did.
    """
    ports = desk.wiring.drills(aim.directory, aim.site, access=aim.access)
    if due == bool(subjects):
        raise click.UsageError("name the subjects, or give --due.")
    chosen = _due(aim, ports) if due else _named(aim, subjects)
    works = _works(desk, aim, chosen, repository=repository, host=host)
    if not chosen:
        desk.screen.note("No drill is due.")
    kept = _drill(desk, aim, works, ports=ports)
    _show(desk, aim, kept)
    if len(kept) < len(works):
        return ExitCode.INTERRUPTED
    passed = sum(one.drill.verdict.value == "pass" for one in kept)
    if passed == len(chosen):
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if passed else ExitCode.FAILED


@drill.command(
    examples=("orchestrator drill status", "orchestrator drill status -o json"),
)
@with_aim
@pass_desk
def status(desk: Desk, *, aim: Aim) -> int:
    """Show for each subject when it was drilled, and when it is due.

    Only a drill that passed, in a record that this site signed, counts. Exits
    with 0 whatever is due: `drill run --due` runs it.
    """
    from orchestrator.cli.render.drill import calendar_json, calendar_table
    from orchestrator.workflows.drill import past_drills

    ports = desk.wiring.drills(aim.directory, aim.site, access=aim.access)
    past = past_drills(ports)
    lines = _calendar(aim, ports, past)
    if aim.as_json:
        desk.screen.data(calendar_json(lines, past.doubtful))
        return ExitCode.DONE
    desk.screen.show(calendar_table(lines))
    for name, why in sorted(past.doubtful.items()):
        desk.screen.note(f"{name} does not count: {why}")
    return ExitCode.DONE


@drill.command(
    examples=("orchestrator drill show gongan/population/20261122T141700Z",),
)
@click.argument("record")
@with_aim
@pass_desk
def show(desk: Desk, *, aim: Aim, record: str) -> int:
    """Show one record, after proving that this site signed it."""
    from orchestrator.cli.render.drill import drill_parts

    ports = desk.wiring.drills(aim.directory, aim.site, access=aim.access)
    report = ports.signer.verify(ports.records.read(record))
    if aim.as_json:
        desk.screen.data(dict(report))
    else:
        desk.screen.show(*drill_parts(report, place=record))
    return ExitCode.DONE


@drill.command(
    examples=(
        "orchestrator drill verify gongan/population/20261122T141700Z",
        "orchestrator drill verify /media/audit/20261122T141700Z.json",
    ),
)
@click.argument("record")
@with_aim
@pass_desk
def verify(desk: Desk, *, aim: Aim, record: str) -> int:
    """Prove a record: that this site signed it, and nobody changed it."""
    ports = desk.wiring.drills(aim.directory, aim.site, access=aim.access)
    report = ports.signer.verify(ports.records.read(record))
    if aim.as_json:
        desk.screen.data({"record": record, "genuine": True, "report": dict(report)})
    else:
        desk.screen.show(
            f"{record} is genuine: this site signed it, and nobody changed it. "
            f"{report['subject']}, {report['lost_at']}: {report['verdict']}."
        )
    return ExitCode.DONE


def _subjects(aim: Aim) -> tuple[Subject, ...]:
    """Return what can be drilled: what a host has. Nothing else starts what could be tried."""
    from orchestrator.planning.backup import subjects_of

    return tuple(one for one in subjects_of(aim.site) if one.hosts)


def _named(aim: Aim, names: Sequence[str]) -> tuple[Subject, ...]:
    known = {one.name: one for one in _subjects(aim)}
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"nothing called `{name}` can be drilled.{did_you_mean(name, known)}"
            )
    return tuple(known[name] for name in dict.fromkeys(names))


def _due(aim: Aim, ports: DrillPorts) -> tuple[Subject, ...]:
    from orchestrator.workflows.drill import past_drills

    known = {one.name: one for one in _subjects(aim)}
    lines = _calendar(aim, ports, past_drills(ports))
    return tuple(known[line.subject] for line in lines if line.is_due)


def _calendar(aim: Aim, ports: DrillPorts, past: PastDrills) -> tuple[Due, ...]:
    from orchestrator.planning.drill_calendar import calendar

    return calendar(_subjects(aim), past.drills, now=ports.clock.now())


def _works(
    desk: Desk,
    aim: Aim,
    subjects: Sequence[Subject],
    *,
    repository: str | None,
    host: str | None,
) -> list[DrillWork]:
    """Return what can be done; what cannot is said, unless nothing else is left."""
    from orchestrator.planning.drill_choice import drill_work

    works: list[DrillWork] = []
    refused: list[RefusedError] = []
    for subject in subjects:
        try:
            works.append(drill_work(aim.site, subject, repository=repository, host=host))
        except RefusedError as error:
            refused.append(error)
    if refused and not works:
        raise refused[0]
    for one in refused:
        desk.screen.note(f"not drilled: {one.message}")
    return works


def _drill(
    desk: Desk, aim: Aim, works: Sequence[DrillWork], *, ports: DrillPorts
) -> list[KeptDrill]:
    from orchestrator.cli.render.drill import step_line
    from orchestrator.cli.render.drill_page import drill_page
    from orchestrator.workflows.drill import drill_all
    from orchestrator.workflows.drill_run import DrillWatch

    stopped = Event()

    @contextmanager
    def clearing() -> Iterator[None]:
        with catching(stopped.set, desk.screen.note, softly=CLEARING) as interrupts:
            interrupts.soften()
            yield

    watch = DrillWatch(
        ended=lambda subject, timed, fault: desk.screen.note(step_line(subject, timed, fault)),
        tearing_down=clearing,
        stopped=stopped,
    )
    # Until a drill clears its host an interrupt ends it where it is; SIGTERM does as Ctrl-C.
    with catching(stopped.set, desk.screen.note):
        return list(drill_all(aim.site, works, ports, watch=watch, page=drill_page))


def _show(desk: Desk, aim: Aim, kept: Sequence[KeptDrill]) -> None:
    from orchestrator.cli.render.drill import drill_parts, summary_table
    from orchestrator.planning.drill_record import drill_json

    reports = [drill_json(one.drill) for one in kept]
    if aim.as_json:
        places = [one.place for one in kept]
        desk.screen.data(
            {"drills": [{"file": place, **one} for place, one in zip(places, reports, strict=True)]}
        )
        return
    for one, report in zip(kept, reports, strict=True):
        desk.screen.show(*drill_parts(report, place=one.place))
    if len(reports) > 1:
        desk.screen.show(summary_table(reports))
