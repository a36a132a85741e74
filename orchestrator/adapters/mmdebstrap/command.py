"""The command that builds an image, and the hooks that take out whatever differs every time."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Sequence
from pathlib import Path

from orchestrator.model.image_build import ImageRecipe
from orchestrator.model.system import PackageRepository

TOLD = "/.orchestrator-build"
"""Where the build leaves what it tells of itself, inside of the image, until it is copied out."""

OWN_KEYRINGS = "/etc/"
"""A keyring below this folder is the site's own: the image needs it. Others come as packages."""

TELL = (
    f'mkdir "$1{TOLD}" && cp "$1"/var/lib/apt/lists/*Release "$1/var/lib/dpkg/status" "$1{TOLD}/"'
)

# What packages and mmdebstrap leave of the building machine, of the time, or of chance. An empty
# machine-id is filled at the first boot; SSH host keys are made then, too.
CLEAN = " && ".join(
    (
        'cd "$1"',
        f"rm -rf .{TOLD} var/lib/apt/lists/*",
        "rm -f etc/hostname etc/resolv.conf etc/apt/apt.conf.d/99mmdebstrap etc/*-",
        "rm -f etc/ssh/ssh_host_* var/lib/dbus/machine-id",
        "rm -f var/lib/systemd/random-seed var/lib/systemd/credential.secret",
        "rm -f var/cache/ldconfig/aux-cache var/cache/debconf/*-old var/lib/dpkg/*-old",
        "{ [ ! -e etc/machine-id ] || : >etc/machine-id; }",
        "find var/log -type f -exec truncate --size=0 {} +",
    )
)


def build_command(
    recipe: ImageRecipe, *, mode: str, overlay: Path, told: Path, target: Path
) -> list[str]:
    """Return the arguments of mmdebstrap: nothing of this machine is in them but paths."""
    hooks = [f"tar-in {shlex.quote(str(overlay))} /"]
    hooks += [f'chroot "$1" systemctl enable {shlex.join(recipe.services)}'] * bool(recipe.services)
    hooks += [TELL, f"sync-out {TOLD} {shlex.quote(str(told))}", CLEAN]
    return [
        "mmdebstrap",
        f"--mode={mode}",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=Acquire::Retries "3"',
        # A snapshot is older than its own date of expiry; what it held is proved by the digest.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.repositories[0].suite,
        str(target),
        *(sources_line(one) for one in recipe.repositories),
    ]


def sources_line(repository: PackageRepository) -> str:
    """Return a repository as apt writes it."""
    parts = " ".join(repository.components)
    return f"deb [signed-by={repository.signed_by}] {repository.uri} {repository.suite} {parts}"


def write_overlay(recipe: ImageRecipe, file: Path) -> None:
    """Write the image's own files as an archive, owned by root and as old as the snapshot."""
    with tarfile.open(file, "w") as archive:
        for path, text in sorted(recipe.files.items()):
            _add(archive, path, recipe.epoch, content=text.encode())
        for path in sorted(_own_keyrings(recipe.repositories)):
            _add(archive, path, recipe.epoch, content=Path(path).read_bytes())
        for path, target in sorted(recipe.links.items()):
            _add(archive, path, recipe.epoch, link=target)


def _own_keyrings(repositories: Sequence[PackageRepository]) -> set[str]:
    return {one.signed_by for one in repositories if one.signed_by.startswith(OWN_KEYRINGS)}


def _add(
    archive: tarfile.TarFile, path: str, epoch: int, *, content: bytes = b"", link: str = ""
) -> None:
    entry = tarfile.TarInfo(path.lstrip("/"))
    entry.mtime, entry.size, entry.mode = epoch, len(content), 0o644
    if link:
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, link, 0o777
    archive.addfile(entry, io.BytesIO(content))
