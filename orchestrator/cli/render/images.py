"""Images: as declared and found, what hosts run, what is in one, and how two differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from orchestrator.cli.render.names import both, plural
from orchestrator.cli.render.table import Cell, table
from orchestrator.model.image_build import (
    CloudState,
    FileState,
    HostImage,
    HostState,
    ImageReport,
    ImageStatus,
    Package,
    PackageDifference,
)
from orchestrator.model.system import Image
from orchestrator.model.units import Json
from orchestrator.workflows.image_build import BuildReport

SHORT = 12
"""Digits of a digest that a table shows; JSON has all."""
GOOD = frozenset({FileState.AGREES.value, CloudState.STORED.value, HostState.CURRENT.value})
SILENT = frozenset({CloudState.UNKNOWN.value, HostState.UNKNOWN.value})


def report_parts(report: ImageReport) -> list[RenderableType]:
    """Return the images, then the hosts that do not run what is declared."""
    runs = Counter(host.image for host in report.hosts if host.state is HostState.CURRENT)
    rows = [
        (
            status.image.name,
            _system(status.image),
            "built" if status.image.build else "brought",
            status.image.sha256[:SHORT],
            _state(status.file),
            _state(status.cloud),
            str(runs[status.image.name]) if report.hosts_asked else "-",
        )
        for status in report.images
    ]
    heads = ("Image", "System", "Is", "SHA-256", "File", "Glance", "Hosts")
    parts: list[RenderableType] = [table(heads, rows, right="Hosts")]
    others = [_host_row(host) for host in report.hosts if host.state is not HostState.CURRENT]
    if others:
        parts += [Text(), table(("Host", "Runs", "Declared", "State", "Reason"), others)]
    if report.hosts_asked:
        counts = Counter(host.state.value for host in report.hosts)
        said = ", ".join(f"{counts[one.value]} {one.value}" for one in HostState if counts[one])
        parts += [Text(), Text(f"{plural(len(report.hosts), 'host')}: {said}.", "bold")]
    return parts


def report_json(report: ImageReport) -> dict[str, Json]:
    """Return the images and hosts for machines."""
    return {
        "images": [_status_json(status) for status in report.images],
        "hosts_asked": report.hosts_asked,
        "hosts": [
            {
                "host": host.host,
                "state": host.state.value,
                "declared": host.declared,
                "image": host.image,
                "sha256": host.sha256,
                "reason": host.reason,
            }
            for host in report.hosts
        ],
        "cloud_fault": report.cloud_fault,
    }


def image_parts(
    image: Image, found: str | FileState, packages: Sequence[Package] | None
) -> list[RenderableType]:
    """Return all that is known of one image; `packages` is None where it has no list."""
    build = image.build
    rows: list[tuple[Cell, Cell]] = [
        ("title", both(image.display)),
        ("system", _system(image)),
        ("file", image.file),
        ("declared SHA-256", image.sha256),
        ("found", found.value if isinstance(found, FileState) else found),
        ("disk format", image.disk_format),
    ]
    if build is not None:
        rows += [
            ("snapshot", build.snapshot.isoformat()),
            ("form", build.form.value),
            ("packages asked for", ", ".join(build.packages) or "none"),
            ("services", ", ".join(build.services) or "none"),
            ("files", ", ".join(build.files) or "none"),
        ]
    parts: list[RenderableType] = [Text(image.name, "bold"), table(("Of it", "Value"), rows)]
    if packages is None:
        return [*parts, Text(), Text("It has no package list.")]
    listed = table(("Package", "Version", "Architecture"), _package_rows(packages))
    return [*parts, Text(), listed, Text(), Text(f"{plural(len(packages), 'package')}.", "bold")]


def image_json(
    image: Image, found: str | FileState, packages: Sequence[Package] | None
) -> dict[str, Json]:
    """Return one image for machines; no packages are null where it has no list."""
    build = image.build
    return {
        **_declared_json(image),
        "title": {"zh": image.display.zh, "en": image.display.en},
        "found_sha256": "" if isinstance(found, FileState) else found,
        "disk_format": image.disk_format,
        "build": None
        if build is None
        else {
            "snapshot": build.snapshot.isoformat(),
            "form": build.form.value,
            "packages": list(build.packages),
            "services": list(build.services),
            "files": list(build.files),
        },
        "packages": None if packages is None else [_package_json(one) for one in packages],
    }


def difference_parts(found: PackageDifference) -> list[RenderableType]:
    """Return what changed between two lists of packages."""
    rows: list[tuple[Cell, ...]] = [
        *((Text("~", "yellow"), one.name, one.old, one.new) for one in found.changed),
        *((Text("+", "green"), one.name, "", one.version) for one in found.added),
        *((Text("-", "red"), one.name, one.version, "") for one in found.removed),
    ]
    counts = (
        f"{len(found.changed)} changed, {len(found.added)} added, {len(found.removed)} removed."
    )
    if not rows:
        return [Text(counts, "bold")]
    return [table(("", "Package", "Old", "New"), rows), Text(), Text(counts, "bold")]


def difference_json(found: PackageDifference) -> dict[str, Json]:
    """Return what changed, for machines."""
    return {
        "changed": [{"name": one.name, "old": one.old, "new": one.new} for one in found.changed],
        "added": [_package_json(one) for one in found.added],
        "removed": [_package_json(one) for one in found.removed],
    }


def build_parts(report: BuildReport) -> list[RenderableType]:
    """Return what was built, and what is to be done where it is not the declared one."""
    rows = [
        ("file", str(report.file)),
        ("SHA-256", report.built.sha256),
        ("size", f"{report.built.size_bytes / (1 << 20):.1f} MiB"),
        ("packages", f"{len(report.built.packages)}, in {report.package_list}"),
    ]
    if report.agrees:
        ending = Text(f"{report.image.name} is as declared.", "bold green")
    else:
        ending = Text(
            f"{report.image.name} is not what {report.declared_in} declares "
            f"({report.image.sha256[:SHORT]}…): nothing uploads it before that line says\n"
            f"  sha256: {report.built.sha256}\n"
            "Find out why they differ, or write it there with --declare.",
            "bold yellow",
        )
    return [table(("Built", "Value"), rows), Text(), ending]


def build_json(report: BuildReport) -> dict[str, Json]:
    """Return what was built, for machines."""
    return {
        "image": report.image.name,
        "file": str(report.file),
        "package_list": str(report.package_list),
        "sha256": report.built.sha256,
        "size_bytes": report.built.size_bytes,
        "packages": len(report.built.packages),
        "as_declared": report.agrees,
    }


def _status_json(status: ImageStatus) -> dict[str, Json]:
    return {
        **_declared_json(status.image),
        "file_state": status.file.value,
        "found_sha256": status.found_sha256,
        "glance": status.cloud.value,
    }


def _declared_json(image: Image) -> dict[str, Json]:
    return {
        "image": image.name,
        "os_distro": image.os_distro,
        "os_version": image.os_version,
        "built": image.build is not None,
        "file": image.file,
        "sha256": image.sha256,
    }


def _package_json(package: Package) -> dict[str, Json]:
    return {
        "name": package.name,
        "version": package.version,
        "architecture": package.architecture,
    }


def _package_rows(packages: Iterable[Package]) -> list[tuple[Cell, ...]]:
    return [(one.name, one.version, one.architecture) for one in packages]


def _host_row(host: HostImage) -> tuple[Cell, ...]:
    runs = f"{host.image} {host.sha256[:SHORT]}".strip() or "-"
    return (host.host, runs, host.declared or "-", _state(host.state), host.reason)


def _state(state: FileState | CloudState | HostState) -> Text:
    style = "green" if state.value in GOOD else "magenta" if state.value in SILENT else "yellow"
    return Text(state.value, style)


def _system(image: Image) -> str:
    return f"{image.os_distro} {image.os_version}"
