"""The YAML door: a site directory becomes a Site, or every fault in it at once."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

from orchestrator.errors import SpecError
from orchestrator.model.diagnostic import Diagnostic
from orchestrator.model.hardware import HardwareLayer
from orchestrator.model.names import did_you_mean
from orchestrator.model.network import NetworkLayer
from orchestrator.model.room import RoomLayer
from orchestrator.model.site import Layer, Region, Site, SiteIdentity
from orchestrator.model.system import SystemLayer
from orchestrator.model.tenancy import Removed, TenancyLayer
from orchestrator.model.units import SecretRef
from orchestrator.spec import kinds
from orchestrator.spec.faults import Faults
from orchestrator.spec.files import SITE_FILE, decode, list_files, read_bytes
from orchestrator.spec.nodes import Mapping, Node, Scalar, Sequence, describe, is_null
from orchestrator.spec.parse import parse
from orchestrator.spec.ranges import expand
from orchestrator.spec.secrets import refuse_secrets
from orchestrator.spec.shapes import FieldShape, Shape, shape_of, source_of
from orchestrator.spec.values import BAD, Reading

MAX_ENTRIES: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteFile:
    """What stands in site.yaml."""

    site: SiteIdentity
    """Who the site is."""
    regions: tuple[Region, ...]
    """The city, its disaster-recovery site, the counties."""
    removed: tuple[Removed, ...] = ()
    """Leave to delete things that the site no longer declares."""


FILE_SHAPES: Final[dict[str, type]] = {
    SITE_FILE: SiteFile,
    Layer.ROOM: RoomLayer,
    Layer.NETWORK: NetworkLayer,
    Layer.HARDWARE: HardwareLayer,
    Layer.SYSTEM: SystemLayer,
    Layer.TENANCY: TenancyLayer,
}
"""What may stand in site.yaml and in each layer's files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedSite:
    """A site as it was read."""

    site: Site
    digest: str
    """SHA-256 over the names and contents of all files read, in hexadecimal."""
    directory: Path
    secret_refs: frozenset[SecretRef]


def load_site(directory: Path) -> LoadedSite:
    """Read a site directory. Files named in messages are relative to it.

    Raises:
        SpecError: with every fault of every file.
    """
    with _cycle_collection_paused():
        return _load(directory)


@contextmanager
def _cycle_collection_paused() -> Iterator[None]:
    """Keep Python's cycle collector from walking half-built trees, which have no cycles.

    Measured on 10,000 servers: it takes a third of the time of loading.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _load(directory: Path) -> LoadedSite:
    listing = list_files(directory)
    diagnostics = list(listing.faults)
    digest = hashlib.sha256()
    gathered = _Gathered()
    for file in listing.files:
        reading = Reading(Faults(file.name))
        content = read_bytes(file, reading.faults)
        if content is not None:
            # Lengths first, so that no two sets of files give the same bytes.
            digest.update(f"{file.name}\0{len(content)}\0".encode())
            digest.update(content)
            for key, entries in _read_file(file.kind, content, reading):
                gathered.add(file.kind, key, entries)
        diagnostics += reading.faults.diagnostics
        gathered.secret_refs |= reading.secret_refs
    if diagnostics:
        raise SpecError(sorted(diagnostics, key=_place))
    return LoadedSite(
        site=gathered.site(),
        digest=digest.hexdigest(),
        directory=directory,
        secret_refs=frozenset(gathered.secret_refs),
    )


@dataclass(slots=True)
class _Gathered:
    """What all files said so far, per kind of file and key."""

    entries: dict[str, dict[str, list[object]]] = field(
        default_factory=lambda: {kind: {} for kind in FILE_SHAPES}
    )
    secret_refs: set[SecretRef] = field(default_factory=set)

    def add(self, kind: str, key: str, entries: Iterable[object]) -> None:
        self.entries[kind].setdefault(key, []).extend(entries)

    def site(self) -> Site:
        layers: dict[str, Any] = {
            layer: FILE_SHAPES[layer](**_tuples(self.entries[layer])) for layer in Layer
        }
        identity = _tuples(self.entries[SITE_FILE])
        return Site(identity=identity.pop("site")[0], **identity, **layers)


def _tuples(entries: dict[str, list[object]]) -> dict[str, Any]:
    return {key: tuple(values) for key, values in entries.items()}


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    source = diagnostic.source
    return source.file, source.line, source.column, diagnostic.code


def _read_file(kind: str, content: bytes, reading: Reading) -> Iterator[tuple[str, list[object]]]:
    """Give the entries under each key of one file."""
    root = _parse_file(content, reading.faults)
    if root is None:
        return
    shape = shape_of(FILE_SHAPES[kind])
    if not isinstance(root, Mapping):
        detail = f"A mapping with {', '.join(shape.fields)} is wanted; this is {describe(root)}."
        reading.faults.add(kinds.WRONG_SHAPE, root, detail)
        return
    for key, value in root.pairs:
        known = shape.fields.get(key.text)
        if known is None:
            _note_unknown_key(key, shape, reading)
        else:
            yield known.attribute, _read_entries(known, value, reading)
    _note_missing_keys(root, shape, reading)


def _parse_file(content: bytes, faults: Faults) -> Node | None:
    """Return the file's tree, after refusing secrets in it; None where there is no sound one."""
    text = decode(content, faults)
    if text is None:
        return None
    root = parse(text, faults)
    if root is None or is_null(root):
        if not len(faults):
            faults.add(kinds.EMPTY, None, "There is nothing in it but comments or blanks.")
        return None
    refuse_secrets(root, text, faults)
    return root


def _read_entries(known: FieldShape, value: Node, reading: Reading) -> list[object]:
    """Read the list under one key of a file, with ranges; or the one mapping of `site:`."""
    entry_type = get_args(known.hint)[0] if get_args(known.hint) else None
    if entry_type is None:
        return [known.read(value, reading)]
    if not isinstance(value, Sequence):
        known.read(value, reading)  # notes that a list is wanted
        return []
    shape = shape_of(entry_type)
    entries: list[object] = []
    for item in value.items:
        for instance in _instances(item, shape, reading):
            entry = shape(instance, reading)
            if entry is not BAD:
                entries.append(entry)
    return entries


def _instances(item: Node, shape: Shape, reading: Reading) -> list[Node]:
    """Return the entries that one item stands for."""
    if not isinstance(item, Mapping):
        return [item]
    item.source = source_of(item, reading.faults.file)
    instances: list[Node] = list(expand(item, reading.faults, named="name" in shape.fields))
    reading.entries += len(instances)
    if reading.entries > MAX_ENTRIES:
        detail = f"With this entry the file has more than {MAX_ENTRIES:,}."
        reading.faults.add(kinds.RANGE_TOO_LONG, item, detail)
        return []
    return instances


def _note_unknown_key(key: Scalar, shape: Shape, reading: Reading) -> None:
    homes = [kind for kind, model in FILE_SHAPES.items() if key.text in shape_of(model).fields]
    if homes:
        remedy = f"Move it to {homes[0]}.yaml."
    else:
        remedy = f"Known here: {', '.join(shape.fields)}.{did_you_mean(key.text, shape.fields)}"
    detail = f"`{key.text}` means nothing in this file."
    reading.faults.add(kinds.UNKNOWN_KEY, key, detail, remedy=remedy)


def _note_missing_keys(root: Mapping, shape: Shape, reading: Reading) -> None:
    present = {key.text for key, _ in root.pairs}
    missing = [f"`{each.key}`" for each in shape.fields.values() if each.required]
    missing = [key for key in missing if key.strip("`") not in present]
    if missing:
        reading.faults.add(kinds.MISSING_KEY, root, f"Missing: {', '.join(missing)}.")
