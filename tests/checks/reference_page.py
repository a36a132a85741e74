"""Write docs/reference/checks.md from the code: `python -m tests.checks.reference_page`."""

from inspect import cleandoc
from pathlib import Path

from orchestrator.checks.run import CHECKS
from orchestrator.spec.kinds import FAULT_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"

GROUPS = {
    "SY": "Files and their form",
    "NM": "Names",
    "RG": "Ranges",
    "SE": "Secrets",
    "ST": "The site (site.yaml)",
    "MR": "Machine rooms",
    "NW": "Network",
    "HW": "Hardware",
    "SW": "System software",
    "TN": "Tenancy",
    "SV": "Services",
    "BK": "Backups",
    "DR": "Drills",
}

HEAD = """\
# Every fault that a site can have

`orchestrator check SITE` prints these. The code never changes its meaning; names and numbers stand
in the detail of each finding. Errors stop every command before anything is touched; warnings are
shown and stop nothing. Codes of the first four groups come out before the others: what cannot be
read cannot be judged.

This page is made from the code by `python -m tests.checks.reference_page`; a test compares the two.
"""


def render() -> str:
    """Return the page."""
    entries = [(kind.code, kind.summary, "error", kind.why, kind.remedy) for kind in FAULT_KINDS]
    entries += [
        (check.code, check.summary, str(check.severity), cleandoc(check.why), check.remedy)
        for check in CHECKS
    ]
    parts = [HEAD]
    for prefix, title in GROUPS.items():
        parts.append(f"## {title}\n")
        for code, summary, severity, why, remedy in sorted(entries):
            if code.startswith(prefix):
                mark = " (warning)" if severity == "warning" else ""
                parts.append(f"### {code}: {summary}{mark}\n\n{why}\n\n**What to do:** {remedy}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
