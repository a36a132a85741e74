"""An archive of one package, made here: one snapshot after another, and one that fails."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from orchestrator.model.hardware import Server
from orchestrator.ports.host import Hosts

PACKAGE = "lab-tool"
CONTROL = """\
Package: {name}
Version: {version}
Architecture: all
Maintainer: Lab <lab@lab.example>
Description: nothing but its version
"""
PLACE = "/srv/archive"
SOURCES = f"deb [trusted=yes] file:{PLACE} ./"


def write_archive(folder: Path, version: str, *, postinst: str = "", scratch: Path) -> None:
    """Write an archive in which the package has this version; it replaces the one before."""
    tree = scratch / f"{PACKAGE}-{version}"
    (tree / "DEBIAN").mkdir(parents=True, exist_ok=True)
    (tree / "DEBIAN/control").write_text(CONTROL.format(name=PACKAGE, version=version))
    if postinst:
        (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
    folder.mkdir(parents=True, exist_ok=True)
    deb = folder / f"{PACKAGE}_{version}.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(deb)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    content = deb.read_bytes()
    packages = CONTROL.format(name=PACKAGE, version=version) + (
        f"Filename: ./{deb.name}\nSize: {len(content)}\n"
        f"SHA256: {hashlib.sha256(content).hexdigest()}\n"
    )
    (folder / "Packages").write_text(packages)
    digest = hashlib.sha256(packages.encode()).hexdigest()
    (folder / "Release").write_text(
        "Date: Sat, 01 Nov 2025 00:00:00 UTC\n"
        f"SHA256:\n {digest} {len(packages.encode())} Packages\n"
    )


def give(server: Server, hosts: Hosts, version: str, *, scratch: Path, postinst: str = "") -> None:
    """Give a host this snapshot as its only repository."""
    write_archive(scratch / "archive", version, postinst=postinst, scratch=scratch)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for file in sorted((scratch / "archive").iterdir()):
            tar.add(file, arcname=f"{PLACE.lstrip('/')}/{file.name}", filter=_of_root)
    command = (
        "base64 -d | tar -xzf - -C / && "
        f"printf '%s' '{SOURCES}' > /etc/apt/sources.list && rm -rf /var/lib/apt/lists/*"
    )
    ran = hosts.run(server, command, within=60, given=base64.b64encode(packed.getvalue()).decode())
    assert ran.status == 0, ran.err


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode = 0o644
    return entry
