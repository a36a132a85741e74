"""The playbooks' catalogue through the YAML door: every fault of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.errors import SpecError
from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.playbook import CataloguedPlaybook
from orchestrator.model.units import Source
from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.files import decode
from orchestrator.spec.nodes import Mapping, Node, Sequence, describe
from orchestrator.spec.parse import parse
from orchestrator.spec.secrets import refuse_secrets
from orchestrator.spec.shapes import shape_of
from orchestrator.spec.values import Reading

CATALOGUE_FILE: Final = "catalogue.yaml"
KEY: Final = "playbooks"
ROLES: Final = "roles"
"""The folder beside the areas that is no area."""

_NAME = re.compile(r"[a-z][a-z0-9]*/[a-z]+(-[a-z0-9]+)+")


def load_catalogue(folder: Path) -> tuple[CataloguedPlaybook, ...]:
    """Read the catalogue of a folder of playbooks, and compare it with the files there.

    Raises:
        SpecError: with every fault.
    """
    reading = Reading(Faults(CATALOGUE_FILE))
    entries = list(_entries(folder, reading))
    faults = [*reading.faults.diagnostics]
    if not faults:
        faults += _judge(entries, folder)
    if faults:
        raise SpecError(sorted(faults, key=lambda fault: (fault.source.line, fault.code)))
    return tuple(entries)


def _entries(folder: Path, reading: Reading) -> Iterator[CataloguedPlaybook]:
    faults = reading.faults
    try:
        content = (folder / CATALOGUE_FILE).read_bytes()
    except OSError as error:
        faults.add(kinds.UNREADABLE, None, f"The system says: {error.strerror}.")
        return
    text = decode(content, faults)
    root = None if text is None else parse(text, faults)
    if text is None or root is None:
        return
    refuse_secrets(root, text, faults)
    for item in _items(root, faults):
        entry = shape_of(CataloguedPlaybook)(item, reading)
        if isinstance(entry, CataloguedPlaybook):
            yield entry


def _items(root: Node, faults: Faults) -> Iterator[Node]:
    if not isinstance(root, Mapping):
        faults.add(kinds.WRONG_SHAPE, root, f"`{KEY}:` is wanted; this is {describe(root)}.")
        return
    for key, value in root.pairs:
        if key.text != KEY:
            faults.add(kinds.UNKNOWN_KEY, key, f"`{key.text}` means nothing here, only `{KEY}`.")
        elif not isinstance(value, Sequence):
            faults.add(kinds.WRONG_SHAPE, value, f"A list is wanted; this is {describe(value)}.")
        else:
            yield from value.items


def _judge(entries: list[CataloguedPlaybook], folder: Path) -> Iterator[Diagnostic]:
    seen: dict[str, CataloguedPlaybook] = {}
    for entry in entries:
        first = seen.setdefault(entry.name, entry)
        if first is not entry:
            detail = f"`{entry.name}` stands on line {first.source.line} already."
            yield _fault(kinds.DUPLICATE_KEY, entry.source.at("name"), detail)
        if not _NAME.fullmatch(entry.name):
            detail = f"`{entry.name}` is not AREA/VERB-OBJECT."
            remedy = "Name it as system/apply-baseline is named."
            yield _fault(kinds.BAD_NAME, entry.source.at("name"), detail, remedy=remedy)
        elif not (folder / entry.file).is_file():
            yield _fault(kinds.UNREADABLE, entry.source.at("name"), f"There is no {entry.file}.")
    for file in sorted(folder.glob("*/*.yml")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name not in seen and file.parent.name != ROLES:
            yield _fault(
                kinds.UNKNOWN_FILE,
                Source(file=f"{name}.yml", line=1, column=1),
                "The catalogue has no entry for it.",
                remedy=f"Add it to {CATALOGUE_FILE}.",
            )


def _fault(kind: kinds.FaultKind, source: Source, detail: str, *, remedy: str = "") -> Diagnostic:
    return Diagnostic(
        code=kind.code,
        summary=kind.summary,
        detail=detail,
        remedy=remedy or kind.remedy,
        source=source,
    )
