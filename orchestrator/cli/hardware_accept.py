"""`orchestrator hardware accept`: test servers under load, and sign what was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli.desk import Desk, pass_desk
from orchestrator.cli.documented import DocumentedCommand
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.hardware_options import (
    Choice,
    Reach,
    declared_site,
    meant,
    with_choice,
    with_reach,
)
from orchestrator.cli.interrupts import catching
from orchestrator.errors import HostError, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.model.acceptance import Acceptance
    from orchestrator.model.units import Json

MINUTES = 60.0

SOFTLY = (
    "Stopping: no further load is begun, and the one that runs ends at its time. Once more to stop "
    "at once, without a report."
)


@click.command(
    cls=DocumentedCommand,
    examples=(
        "orchestrator hardware accept city-cmp-001 --minutes 240",
        "orchestrator hardware accept --rack city-a01 --out acceptance",
        "orchestrator hardware accept --verify acceptance/city-cmp-001.json",
    ),
)
@with_choice
@click.option(
    "--minutes",
    type=click.FloatRange(0.05, 7 * 24 * 60),
    default=MINUTES,
    show_default=True,
    help="For all loads together: CPU, memory, disk, one after the other.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the reports go; default: acceptance in the state folder.",
)
@click.option(
    "--verify",
    "proved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Only prove a report: that this site signed it and nobody changed it.",
)
@with_reach
@pass_desk
def accept(
    desk: Desk,
    *,
    choice: Choice,
    minutes: float,
    out: Path | None,
    proved: Path | None,
    reach: Reach,
) -> int:
    """Put servers under load through SSH, and write a signed report on each.

    Compares what the host sees with the hardware profile, loads CPU, memory
    and disk with stress-ng while it checks its own results, and counts the
    kernel's and the memory controllers' errors meanwhile. What cannot be
    seen is unknown. Do not test a server that people use. Ctrl-C begins no
    further load; the one that runs ends by itself.

    Exits with 0 when all pass, with 1 when one fails, and with 6 when none
    fails but something is unknown.
    """
    if proved is not None:
        return _verify(desk, proved, reach)
    from orchestrator.workflows.accept import AcceptWatch, accept_all

    site = declared_site(desk, reach)
    servers = meant(site, choice)
    ports, folder = desk.wiring.acceptance(desk.at_site(reach.site), reach.access)
    done: list[Mapping[str, Json]] = []
    failed: dict[str, str] = {}

    watch = AcceptWatch(told=lambda server, what: desk.screen.note(f"{server}: {what}"))
    with catching(
        watch.stopped.set, lambda line: desk.screen.note(line), softly=SOFTLY
    ) as interrupts:
        interrupts.soften()
        for server, ended in accept_all(site, servers, ports, seconds=minutes * 60, watch=watch):
            if isinstance(ended, HostError):
                failed[server.name] = ended.message
                continue
            signed = ports.signer.sign(_plain(ended))
            file = _write(out or folder, server.name, signed)
            desk.screen.note(f"{server.name}: {ended.verdict.value}; the report is in {file}")
            done.append(signed)
    _show(desk, done, failed, reach=reach)
    return _code_of(done, failed)


def _plain(ended: Acceptance) -> Mapping[str, Json]:
    from orchestrator.model.acceptance import FORMAT
    from orchestrator.planning.acceptance import acceptance_json

    return acceptance_json(ended, form=FORMAT)


def _show(
    desk: Desk, done: list[Mapping[str, Json]], failed: Mapping[str, str], *, reach: Reach
) -> None:
    from orchestrator.cli.render.acceptance import acceptance_parts

    if reach.as_json:
        desk.screen.data({"reports": [dict(one) for one in done], "silent": dict(failed)})
        return
    for signed in sorted(done, key=_name):
        report = signed["report"]
        desk.screen.show(*acceptance_parts(report if isinstance(report, dict) else {}))
    for name, reason in sorted(failed.items()):
        desk.screen.show(f"{name}: not tested: {reason}")


def _name(signed: Mapping[str, Json]) -> str:
    report = signed["report"]
    return str(report["server"]) if isinstance(report, dict) else ""


def _write(folder: Path, server: str, signed: Mapping[str, Json]) -> Path:
    from orchestrator.cli.render.acceptance import acceptance_html
    from orchestrator.engine.durable import write_durably

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{server}.json"
    text = json.dumps(signed, ensure_ascii=False, indent=2) + "\n"
    write_durably(file, text.encode())
    write_durably(file.with_suffix(".html"), acceptance_html(signed).encode())
    return file


def _verify(desk: Desk, file: Path, reach: Reach) -> int:
    ports, _ = desk.wiring.acceptance(desk.at_site(reach.site), reach.access)
    try:
        signed = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SignatureError(f"{file} is no JSON: {error}") from error
    if not isinstance(signed, dict):
        raise SignatureError(f"{file} is no signed report")
    report = ports.signer.verify(signed)
    if reach.as_json:
        desk.screen.data({"file": str(file), "genuine": True, "report": dict(report)})
    else:
        desk.screen.show(
            f"{file} is genuine: this site signed it, and nobody changed it. "
            f"{report['server']}, {report['ended']}: {report['verdict']}."
        )
    return ExitCode.DONE


def _code_of(done: list[Mapping[str, Json]], failed: Mapping[str, str]) -> int:
    reports = [one["report"] for one in done]
    verdicts = {str(one["verdict"]) for one in reports if isinstance(one, dict)}
    if failed or "fail" in verdicts:
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if "unknown" in verdicts else ExitCode.DONE
