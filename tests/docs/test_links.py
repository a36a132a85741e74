"""What the documents point at is there: files, headings and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from orchestrator.cli.main import PROGRAM
from orchestrator.cli.reference import all_commands

ROOT = Path(__file__).parents[2]
FOLDERS = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
PAGES = sorted([*ROOT.glob("*.md"), *(page for each in FOLDERS for page in each.rglob("*.md"))])

COMMANDS = {context.command_path: context.command for context in all_commands()}
PLACEHOLDERS = {"COMMAND"}
"""Words that stand for any command."""

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```[^\n]*\n(.*?)^```|^ {4}([^\n]*)$|`([^`]+)`", re.MULTILINE | re.DOTALL)
"""A fenced block, a line of an indented one, or code inside a sentence."""
_COMMAND = re.compile(rf"(?<![\w.-]){PROGRAM}((?:[ \n]+[\w./<>=-]+)+)")


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links that are not addresses on the web."""
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text(encoding="utf-8")))
    for found in _LINK.finditer(text):
        if not re.match(r"[a-z]+:", found[1]):
            yield found[1]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words after the program's name, wherever code in a page calls it."""
    for fenced, indented, inline in _CODE.findall(text):
        code = fenced or indented or re.sub(r"\s*\n\s*", " ", inline)
        for found in _COMMAND.finditer(code):
            yield found[1].split("\n")[0].split()


def unknown_command(words: list[str]) -> str | None:
    """Return the first word that should be a command and is none."""
    path, command = PROGRAM, COMMANDS[PROGRAM]
    for word in words:
        if word.startswith("-"):
            continue
        if not isinstance(command, click.Group) or word in PLACEHOLDERS:
            return None
        path = f"{path} {word}"
        if path not in COMMANDS:
            return path
        command = COMMANDS[path]
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_heading(page: Path) -> None:
    broken = []
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / unquote(file)).resolve() if file else page
        if not target.exists() or (anchor and unquote(anchor) not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_named_in_a_page_exists(page: Path) -> None:
    named = commands(page.read_text(encoding="utf-8"))
    assert [unknown for words in named if (unknown := unknown_command(words))] == []


def test_a_command_or_link_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b\n\n[x](no.md) [y](#a-b) `orchestrator\nlab nothing`\n")
    assert [unknown_command(words) for words in commands(page.read_text())] == [
        "orchestrator lab nothing"
    ]
    assert list(links(page)) == ["no.md", "#a-b"] and anchors(page) == {"a-b"}


def test_every_page_under_docs_is_in_an_index() -> None:
    indexes = [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"]
    reached = {(index.parent / link).resolve() for index in indexes for link in links(index)}
    pages = {page for page in (ROOT / "docs").rglob("*.md") if page not in indexes}
    assert sorted(str(page.relative_to(ROOT)) for page in pages - reached) == []
