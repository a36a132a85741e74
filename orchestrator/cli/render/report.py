"""How an apply or a destroy ended: a table of layers and tenants, what failed, what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import STYLES, display_of_stack, kind_name, plural
from orchestrator.cli.render.plan_text import not_applied_line
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.plan import ApplyReport
from orchestrator.model.site import Site
from orchestrator.model.stack import Action, ResourceFailure, StackName, StackResult

FAILURES_NAMED = 5
"""Of many resources that failed for the same reason, so many are named."""

_DONE = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
}
_GOES = (Action.DELETE,)
COMPILED_ONLY = "no login, compiled only"


def report_parts(report: ApplyReport, site: Site, *, next_command: str) -> list[RenderableType]:
    """Return the report."""
    parts: list[RenderableType] = []
    if report.results or report.remaining:
        headers = ("Layer", "Name", "Display name", "Resources", "Result")
        parts += [table(headers, _rows(report, site), right="Resources"), Text()]
    parts += _failures(report)
    if not parts:
        parts.append(Text("Nothing to do: the cloud is as the site says.", "green"))
    parts.append(Text(_counts(report), "bold red" if report.failed else "bold green"))
    if unapplied := not_applied_line(report, site):
        parts.append(Text(unapplied, "dim"))
    parts.append(Text.assemble("Next: ", (next_command, "bold")))
    return parts


def _rows(report: ApplyReport, site: Site) -> Iterator[tuple[Cell, ...]]:
    for layer, things in report.not_applied.items():
        yield layer.value, "", "", str(things), Text(COMPILED_ONLY, "dim")
    for result in report.results:
        kept = sum(change.action not in _GOES for change in result.changes)
        yield (
            *_named(site, result.stack),
            str(result.unchanged + kept),
            _result(result),
        )
    for stack in report.remaining:
        yield (*_named(site, stack), "", Text("not reached", "bold red"))


def _named(site: Site, stack: StackName) -> tuple[str, str, str]:
    return stack.layer.value, stack.name, display_of_stack(site, stack)


def _result(result: StackResult) -> Text:
    failed = sum(not failure.skipped for failure in result.failures)
    skipped = len(result.failures) - failed
    text = Text()
    for action, word in _DONE.items():
        count = sum(change.action is action for change in result.changes)
        if count:
            text.append(", " if text else "").append(f"{count} {word}", STYLES[action])
    for count, word in ((failed, "failed"), (skipped, "skipped")):
        if count:
            text.append(", " if text else "").append(f"{count} {word}", "bold red")
    if result.interrupted:
        text.append(", " if text else "").append("interrupted", "bold red")
    return text or Text("nothing to do", "dim")


def _failures(report: ApplyReport) -> list[RenderableType]:
    """Return what failed, by reason: one refusal of the cloud often meets many resources."""
    by_reason: dict[str, list[str]] = {}
    for failure in _failed(report):
        shown = f"{failure.name} ({kind_name(failure.kind)})"
        by_reason.setdefault(failure.reason, []).append(shown)
    parts: list[RenderableType] = []
    for reason, names in by_reason.items():
        more = len(names) - FAILURES_NAMED
        listed = ", ".join(names[:FAILURES_NAMED]) + (f" and {more} more" if more > 0 else "")
        parts.append(
            Text.assemble(("failed: ", "bold red"), (listed, "bold"), f"\n  why: {reason}")
        )
    return [*parts, Text()] if parts else []


def _failed(report: ApplyReport) -> Iterable[ResourceFailure]:
    for result in report.results:
        yield from (failure for failure in result.failures if not failure.skipped)


def _counts(report: ApplyReport) -> str:
    changes = [change for result in report.results for change in result.changes]
    done = ", ".join(
        f"{sum(change.action is action for change in changes)} {word}"
        for action, word in _DONE.items()
    )
    failures = [failure for result in report.results for failure in result.failures]
    skipped = sum(failure.skipped for failure in failures)
    trouble = [f"{len(failures) - skipped} failed, {skipped} skipped"] if failures else []
    if report.remaining:
        trouble.append(f"{plural(len(report.remaining), 'stack')} not reached")
    closing = f"; {', '.join(trouble)}" if trouble else ""
    return f"Done: {done}; {report.unchanged} unchanged{closing}."
