"""Acceptance reports: for the terminal, and as a page to print and file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import cast

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.table import table
from orchestrator.model.units import Json

STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}
COLORS = {"pass": "#1a7f37", "fail": "#b3261e", "unknown": "#9a6700"}

Row = tuple[str, str, str, str]


def acceptance_parts(report: Mapping[str, Json]) -> list[RenderableType]:
    """Return one report for people."""
    rows = [(*row[:3], Text(row[3], STYLES[row[3]])) for row in _rows(report)]
    verdict = str(report["verdict"])
    return [
        Text.assemble((f"{report['server']}: ", "bold"), (verdict, STYLES[verdict])),
        table(("What", "Declared or done", "Found", "Verdict"), rows),
        Text(),
    ]


def acceptance_html(signed: Mapping[str, Json]) -> str:
    """Return one signed report as a page without any script; the JSON beside it is what counts."""
    report = cast("Mapping[str, Json]", signed["report"])
    signature = cast("Mapping[str, Json]", signed["signature"])
    body = "".join(_html_row(row) for row in _rows(report))
    facts = "".join(
        f"<tr><th>{name}</th><td>{escape(str(report[name]))}</td></tr>"
        for name in ("site", "server", "serial", "profile", "begun", "ended")
    )
    verdict = str(report["verdict"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Acceptance of {escape(str(report['server']))}</title><style>"
        "body{font:15px sans-serif;max-width:60em;margin:2em auto;color:#222}"
        "table{border-collapse:collapse;margin:1em 0}"
        "th,td{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
        "code{word-break:break-all}</style></head><body>"
        f"<h1>Acceptance of {escape(str(report['server']))}: "
        f'<span style="color:{COLORS[verdict]}">{verdict}</span></h1><table>{facts}</table>'
        "<table><tr><th>What</th><th>Declared or done</th><th>Found</th><th>Verdict</th></tr>"
        f"{body}</table><p>Signed with {escape(str(signature['algorithm']))}, public key "
        f"<code>{escape(str(signature['public_key']))}</code>, signature "
        f"<code>{escape(str(signature['value']))}</code> over the JSON file beside this page. "
        "Prove it: <code>orchestrator hardware accept --verify FILE.json</code></p>"
        "</body></html>\n"
    )


def _html_row(row: Row) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[:3])
    return f'<tr>{cells}<td style="color:{COLORS[row[3]]}">{escape(row[3])}</td></tr>'


def _rows(report: Mapping[str, Json]) -> list[Row]:
    rows = [_comparison(one) for one in _list(report, "facts")]
    rows += [
        (f"{one['load']} load", str(one["command"]), str(one["detail"]), str(one["verdict"]))
        for one in _list(report, "burns")
    ]
    return rows + [_comparison(one) for one in _list(report, "counters")]


def _comparison(one: Mapping[str, Json]) -> Row:
    return str(one["fact"]), str(one["declared"]), str(one["found"]), str(one["verdict"])


def _list(report: Mapping[str, Json], name: str) -> Sequence[Mapping[str, Json]]:
    return cast("Sequence[Mapping[str, Json]]", report[name])
