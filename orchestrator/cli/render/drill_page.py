"""A drill's record as a page to print and file, for the assessor; without any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import cast

from orchestrator.cli.render.drill import shown_span
from orchestrator.model.units import Json

COLORS = {"pass": "#1a7f37", "fail": "#b3261e", "unknown": "#9a6700"}
STYLE = (
    "body{font:15px sans-serif;max-width:70em;margin:2em auto;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}"
    "th,td{border:1px solid #ccc;padding:.3em .6em;text-align:left;vertical-align:top}"
    "td,code{word-break:break-word}"
)
FACTS = ("site", "subject", "record", "host", "lost_at", "ended_at")


def drill_page(signed: Mapping[str, Json]) -> str:
    """Return the page of one signed record; the JSON beside it is what counts."""
    report = cast("Mapping[str, Json]", signed["report"])
    signature = cast("Mapping[str, Json]", signed["signature"])
    subject, verdict = escape(str(report["subject"])), str(report["verdict"])
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Restore drill of {subject}</title><style>{STYLE}</style></head><body>"
        f'<h1>Restore drill of {subject}: <span style="color:{COLORS[verdict]}">{verdict}</span>'
        f"</h1><table>{_facts(report)}</table>"
        f"<h2>What must hold</h2><table>{_assertions(report)}</table>"
        f"<h2>What was done</h2><table>{_steps(report)}</table>"
        f"<p>Serves GB/T 22239-2019 {', '.join(cast('Sequence[str]', report['clauses']))}: "
        "backups are restored and proved, from the remote copy, on a host of its own.</p>"
        f"<p>Signed with {escape(str(signature['algorithm']))}, public key "
        f"<code>{escape(str(signature['public_key']))}</code>, signature "
        f"<code>{escape(str(signature['value']))}</code> over the JSON file beside this page. "
        "Prove it: <code>orchestrator drill verify FILE.json</code></p></body></html>\n"
    )


def _facts(report: Mapping[str, Json]) -> str:
    policy = cast("Mapping[str, Json]", report["policy"])
    copy = cast("Mapping[str, Json]", report["copy"])
    rows = [(name.replace("_", " "), str(report[name])) for name in FACTS]
    rows += [
        ("copy", f"{copy.get('run', 'none')} of {copy['repository']}"),
        ("policy", f"{policy['name']}: grade {policy['grade']} of {policy['standard']}"),
        ("RPO", f"{shown_span(report['rpo_seconds'])}, allowed {policy['rpo_minutes']} min"),
        ("RTO", f"{shown_span(report['rto_seconds'])}, allowed {policy['rto_minutes']} min"),
    ]
    return "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows)


def _assertions(report: Mapping[str, Json]) -> str:
    head = "<tr><th>What</th><th>Wanted</th><th>Found</th><th>To blame</th><th>Verdict</th></tr>"
    rows = []
    for one in cast("Sequence[Mapping[str, Json]]", report["assertions"]):
        broken = ", ".join(cast("Sequence[str]", one["broken"]))
        cells = (str(one["what"]), str(one["wanted"]), str(one["found"]), broken)
        plain = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        verdict = str(one["verdict"])
        rows.append(f'<tr>{plain}<td style="color:{COLORS[verdict]}">{verdict}</td></tr>')
    return head + "".join(rows)


def _steps(report: Mapping[str, Json]) -> str:
    steps = cast("Sequence[Mapping[str, Json]]", report["steps"])
    rows = (f"<tr><td>{one['step']}</td><td>{one['seconds']} s</td></tr>" for one in steps)
    return "<tr><th>Step</th><th>Took</th></tr>" + "".join(rows)
