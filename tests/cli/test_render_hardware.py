"""What a person sees of servers: the bar while a sweep runs, and a report in full."""

from __future__ import annotations

import io

from rich.console import Console

from orchestrator.cli.render.hardware import FAILURES_TOLD, sweep_watching
from orchestrator.cli.render.hardware_live import SERVERS_NAMED, sweep_parts
from orchestrator.model.inventory import (
    BmcFault,
    Comparison,
    ServerReport,
    Silence,
    Sweep,
)
from orchestrator.model.verdict import Verdict
from tests.cli.printed import lines

SILENCE = Silence(fault=BmcFault.UNREACHABLE, reason="it refuses the connection", remedy="look")


def silent(number: int) -> ServerReport:
    return ServerReport(server=f"srv-{number}", profile="p", region="city", told=SILENCE)


def smaller(number: int) -> ServerReport:
    small = Comparison(fact="memory_gib", declared="512", found="256", verdict=Verdict.FAIL)
    # What it told besides is not shown in a sweep.
    return ServerReport(
        server=f"srv-{number}", profile="p", region="city", told=SILENCE, comparisons=(small,)
    )


def watched(*, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=terminal, color_system=None)
    with sweep_watching(console, 9) as told:
        for number in range(9):
            told(silent(number))
    return file.getvalue()


def test_a_terminal_gets_a_bar_that_counts_the_servers() -> None:
    assert "9/9" in watched(terminal=True)


def test_a_log_gets_a_line_for_the_first_silent_ones_only() -> None:
    told = watched(terminal=False).splitlines()
    assert len(told) == FAILURES_TOLD
    assert told[0] == "srv-0: unreachable: it refuses the connection"


def test_a_long_list_of_servers_is_counted_and_its_first_are_named() -> None:
    found = Sweep(site="town", reports=tuple(map(smaller, range(5))), seconds=1.0)
    printed = "\n".join(lines(sweep_parts(found)))
    assert f"srv-{SERVERS_NAMED - 1} and 2 more" in printed
    assert "srv-4," not in printed
