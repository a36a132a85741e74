"""How a run ends that did not go well: what is said of each error, and its exit code."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from rich.text import Text

from orchestrator.cli.desk import Desk
from orchestrator.cli.exit_codes import ExitCode
from orchestrator.cli.render.diagnostics import diagnostics_text
from orchestrator.errors import OrchestratorError, SpecError


def explain(error: Exception, desk: Desk) -> int:
    """Say on stderr what went wrong and what to do; return the exit code."""
    if isinstance(error, SpecError):
        desk.screen.note(*diagnostics_text(error.diagnostics, desk.site_directory))
        return error.exit_code
    if isinstance(error, OrchestratorError):
        desk.screen.note(Text.assemble(("error: ", "bold red"), error.message))
        if error.remedy:
            desk.screen.note(Text.assemble(("do: ", "bold"), error.remedy))
        if desk.verbose:
            desk.screen.note(Text(_traceback(error)))
        return error.exit_code
    return _explain_crash(error, desk)


def _explain_crash(error: Exception, desk: Desk) -> int:
    """Keep the traceback off the screen, but not lost."""
    said = Text.assemble(
        ("error: ", "bold red"), f"a fault in this program: {type(error).__name__}: {error}"
    )
    desk.screen.note(said)
    if desk.verbose:
        desk.screen.note(Text(_traceback(error)))
        return ExitCode.FAILED
    try:
        desk.screen.note(Text(f"The traceback is in {_write_crash(error, desk)}"))
    except OSError as full:
        desk.screen.note(Text(f"The traceback cannot be written ({full.strerror}); it is:"))
        desk.screen.note(Text(_traceback(error)))
    return ExitCode.FAILED


def _write_crash(error: Exception, desk: Desk) -> Path:
    path = desk.crash_log()
    if path is None:
        with tempfile.NamedTemporaryFile(
            "w", prefix="orchestrator-crash-", suffix=".log", delete=False
        ) as file:
            file.write(_traceback(error))
            return Path(file.name)
    with path.open("a", encoding="utf-8") as log:
        log.write(f"--- {desk.wiring.clock.now().isoformat(timespec='seconds')}\n")
        log.write(_traceback(error))
    return path


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
