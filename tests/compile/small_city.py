"""The sites whose compiled texts are known: tests/cases/_base with a folder of golden/ over it."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date
from functools import cache
from pathlib import Path

from orchestrator.compile.targets import Compiled, compile_network
from orchestrator.model.site import Site
from orchestrator.spec.load import load_site

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "compile" / "golden"
BASE = TESTS / "cases" / "_base"
TODAY = date(2026, 11, 22)


@cache
def golden_site(case: str) -> Site:
    """Load a case."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "site"
        shutil.copytree(BASE, directory)
        skipped = shutil.ignore_patterns("expected")
        shutil.copytree(GOLDEN / case, directory, dirs_exist_ok=True, ignore=skipped)
        return load_site(directory).site


@cache
def golden_texts(case: str) -> tuple[Compiled, ...]:
    """Compile a case."""
    return tuple(compile_network(golden_site(case), today=TODAY))


def write_expected(case: str) -> None:
    """Write what a case compiles to now; read the difference before it is committed."""
    for one in golden_texts(case):
        path = GOLDEN / case / "expected" / one.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text, encoding="utf-8")


if __name__ == "__main__":
    for folder in sorted(GOLDEN.iterdir()):
        write_expected(folder.name)
