"""Find the files of a site and read them, bounded, as UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.names import did_you_mean
from orchestrator.model.site import Layer
from orchestrator.model.units import Source
from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.kinds import FaultKind

MAX_FILE_BYTES: Final = 8 * 1024 * 1024

SITE_FILE: Final = "site"
"""The file (site.yaml) beside the layers' files."""

_LAYERS: Final = frozenset(map(str, Layer))
_NAMES: Final = (SITE_FILE, *Layer)
_CONTROL_CHARACTERS: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]"
)


@dataclass(frozen=True, slots=True)
class SiteFilePath:
    """A file that belongs to the site, and what kind of file it is."""

    path: Path
    name: str
    """As in messages: relative to the site directory, with slashes."""
    kind: str
    """`site`, or the layer."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a site in the order of reading, and the faults met while looking."""

    files: tuple[SiteFilePath, ...]
    faults: tuple[Diagnostic, ...]


def list_files(directory: Path) -> Listing:
    """Find the site's files: site.yaml, then per layer LAYER.yaml and LAYER/*.yaml by name."""
    try:
        entries = sorted(directory.iterdir(), key=lambda path: path.name)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        kind = kinds.NO_DIRECTORY if missing else kinds.UNREADABLE
        return Listing((), (_fault(kind, ".", f"{directory}: {error.strerror}."),))
    faults = [fault for path in entries for fault in _judge_top_level(path)]
    if not any(path.name == f"{SITE_FILE}.yaml" for path in entries):
        faults.append(_fault(kinds.NO_SITE_FILE, f"{SITE_FILE}.yaml", f"Looked into {directory}."))
    files = [
        SiteFilePath(path, path.name, kind)
        for kind in _NAMES
        for path in entries
        if path.name == f"{kind}.yaml"
    ]
    for layer in Layer:
        folder = directory / layer
        if folder.is_dir():
            found, folder_faults = _list_folder(folder, layer)
            files += found
            faults += folder_faults
    files.sort(key=lambda file: _NAMES.index(file.kind))
    return Listing(tuple(files), tuple(faults))


def read_bytes(file: SiteFilePath, faults: Faults) -> bytes | None:
    """Read one file, never more than the limit; None with a fault where that fails."""
    try:
        if not file.path.is_file() and file.path.exists():
            faults.add(kinds.UNREADABLE, None, "It is not a regular file.")
            return None
        with file.path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        faults.add(kinds.UNREADABLE, None, f"The system says: {error.strerror}.")
        return None
    if len(content) > MAX_FILE_BYTES:
        size_mib = file.path.stat().st_size / 1024**2
        faults.add(kinds.TOO_LARGE, None, f"It has {size_mib:.1f} MiB; 8 MiB is the limit.")
        return None
    return content


def decode(content: bytes, faults: Faults) -> str | None:
    """Return the text of a file; None with a fault where it is not clean UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.add(kinds.NOT_UTF8, _Spot(line, 1), _guess_encoding(content))
        return None
    found = _CONTROL_CHARACTERS.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        detail = f"The character is U+{ord(found[0]):04X}."
        if found[0] == "\0" and b"\0" in content[:4]:
            detail = "Every other byte is NUL: it looks like UTF-16 without a mark."
            faults.add(kinds.NOT_UTF8, _Spot(line, column), detail)
            return None
        faults.add(kinds.CONTROL_CHARACTER, _Spot(line, column), detail)
        return None
    return text


class _Spot(NamedTuple):
    line: int
    column: int


def _guess_encoding(content: bytes) -> str:
    """Say in which encoding the file seems to be."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "It looks like UTF-16."
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "Its bytes are neither UTF-8 nor GB 18030."
    return "It reads as GB 18030 (GBK)."


def _judge_top_level(path: Path) -> Iterator[Diagnostic]:
    name = path.name
    if name.startswith(".") or name.endswith(".vault.yaml"):
        return
    if path.suffix in {".yaml", ".yml", ".json"}:
        yield from _judge_data_file(path)
    elif name in _LAYERS:
        if not path.is_dir():
            yield _fault(kinds.UNREADABLE, name, f"`{name}` should be a folder.")
    elif path.is_dir() and did_you_mean(name, Layer):
        yield _unknown(f"{name}/", name)


def _judge_data_file(path: Path) -> Iterator[Diagnostic]:
    name, is_ours = path.name, path.stem in _NAMES
    if is_ours and path.suffix != ".yaml":
        detail = f"`{name}` would be silently ignored."
        yield _fault(kinds.UNKNOWN_FILE, name, detail, remedy=f"Rename it to {path.stem}.yaml.")
    elif not is_ours and path.suffix != ".json":
        yield _unknown(name, path.stem)


def _list_folder(folder: Path, layer: Layer) -> tuple[list[SiteFilePath], list[Diagnostic]]:
    files, faults = [], []
    try:
        paths = sorted(folder.iterdir(), key=lambda each: each.name)
    except OSError as error:
        return [], [_fault(kinds.UNREADABLE, f"{layer}/", f"The system says: {error.strerror}.")]
    for path in paths:
        name = f"{layer}/{path.name}"
        if path.name.startswith(".") or path.name.endswith(".vault.yaml"):
            continue
        if path.suffix == ".yaml":
            files.append(SiteFilePath(path, name, layer))
        elif path.suffix == ".yml":
            remedy = f"Rename it to {path.stem}.yaml."
            faults.append(
                _fault(kinds.UNKNOWN_FILE, name, "Only *.yaml is read here.", remedy=remedy)
            )
        elif path.is_dir():
            detail = "Folders inside a layer's folder are not read."
            faults.append(
                _fault(kinds.UNKNOWN_FILE, f"{name}/", detail, remedy="Move its files up.")
            )
    return files, faults


def _unknown(name: str, stem: str) -> Diagnostic:
    known = ", ".join(f"{each}.yaml" for each in _NAMES)
    remedy = f"Known are {known}.{did_you_mean(stem, _NAMES)}"
    return _fault(kinds.UNKNOWN_FILE, name, f"`{name}` is no file of a site.", remedy=remedy)


def _fault(kind: FaultKind, file: str, detail: str, *, remedy: str | None = None) -> Diagnostic:
    return Diagnostic(
        code=kind.code,
        summary=kind.summary,
        detail=detail,
        remedy=kind.remedy if remedy is None else remedy,
        source=Source(file=file, line=1, column=1),
    )
