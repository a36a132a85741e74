"""The image builder: drafts, the build itself, and what is looked at before it is taken."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import HeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from orchestrator.adapters.mmdebstrap.command import build_command, write_overlay
from orchestrator.adapters.mmdebstrap.filesystem import steps
from orchestrator.adapters.mmdebstrap.process import SEARCHED, Ended, run_program
from orchestrator.errors import ImageError
from orchestrator.model.image_build import BuiltImage, ImageRecipe, Package
from orchestrator.model.system import ImageForm
from orchestrator.ports.image_builder import BuildWatch

BUILD_SECONDS = 3600.0
"""A slow mirror and many packages; on a usual line it is a minute."""
FULL_BYTES = 32 << 20
"""A disk that had less than this left was full."""

FINISHED = "image"
"""The finished image, in the draft's folder."""

PROGRAMS = {"mmdebstrap": "mmdebstrap", "setpriv": "util-linux"}
FILE_SYSTEM = {"tar": "tar", "mke2fs": "e2fsprogs", "debugfs": "e2fsprogs"}
ROOTLESS = {"newuidmap": "uidmap", "newgidmap": "uidmap"}
"""What a build without root needs beside; and a range of ids in /etc/subuid."""


class MmdebstrapBuilder:
    """Builds Debian images with mmdebstrap: as root, or in a user namespace."""

    def lacks(self, recipe: ImageRecipe) -> tuple[str, ...]:
        """Return the programs and keyrings that are missing here, with their packages."""
        ext4 = recipe.form is ImageForm.EXT4
        programs = {
            **PROGRAMS,
            **(FILE_SYSTEM if ext4 else {}),
            **({} if _is_root() else ROOTLESS),
        }
        # Only root can unpack files that belong to many.
        missing = ["root"] if ext4 and not _is_root() else []
        missing += [
            f"{program} (package {package})"
            for program, package in programs.items()
            if shutil.which(program, path=SEARCHED) is None
        ]
        keyrings = sorted({one.signed_by for one in recipe.repositories})
        return (*missing, *(f"the keyring {one}" for one in keyrings if not Path(one).is_file()))

    def build(self, recipe: ImageRecipe, *, file: str, watch: BuildWatch) -> BuiltImage:
        """Write the image to `file`, whole or not at all."""
        target = Path(file).resolve()
        draft = target.with_name(f".{target.name}.draft")
        with _only_build(draft):
            try:
                built = _make(recipe, draft, watch)
                (draft / FINISHED).replace(target)
            except OSError as failure:
                raise ImageError(
                    f"image {recipe.name}: {failure.filename or target}: {failure.strerror}",
                    remedy="Make room, or build elsewhere with --out.",
                ) from failure
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        return built


def _make(recipe: ImageRecipe, draft: Path, watch: BuildWatch) -> BuiltImage:
    overlay, told, archive = draft / "overlay.tar", draft / "told", draft / "root.tar"
    write_overlay(recipe, overlay)
    told.mkdir()
    command = build_command(
        recipe,
        mode="root" if _is_root() else "unshare",
        overlay=overlay,
        told=told,
        target=archive,
    )
    ended = run_program(
        command,
        environment={"SOURCE_DATE_EPOCH": str(recipe.epoch), "TMPDIR": str(draft)},
        folder=draft,
        within=BUILD_SECONDS,
        heard=lambda line: _tell(watch, line),
    )
    _refuse_failure(recipe, "mmdebstrap", ended, draft=draft)
    _refuse_newer(recipe, told)
    content = archive if recipe.form is ImageForm.TAR else _file_system(recipe, archive, watch)
    image = content.rename(draft / FINISHED)
    with image.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return BuiltImage(
        sha256=digest,
        size_bytes=image.stat().st_size,
        packages=tuple(sorted(_packages((told / "status").read_text(encoding="utf-8")))),
    )


def _file_system(recipe: ImageRecipe, archive: Path, watch: BuildWatch) -> Path:
    watch("making the file system...")
    for step, ended in steps(recipe, archive.parent, archive):
        _refuse_failure(recipe, step, ended, draft=archive.parent)
    return archive.parent / "filesystem"


def _tell(watch: BuildWatch, line: str) -> None:
    """Hand on what mmdebstrap does now; its hooks are ours and say nothing to people."""
    if line.startswith("I: ") and " hook" not in line and "-hook" not in line:
        watch(line.removeprefix("I: "))


def _refuse_failure(recipe: ImageRecipe, step: str, ended: Ended, *, draft: Path) -> None:
    if ended.status == 0:
        return
    if ended.least_free_bytes < FULL_BYTES:
        raise ImageError(
            f"image {recipe.name} was not built: the disk of {draft.parent} was full, with "
            f"{ended.least_free_bytes >> 20} MiB left",
            remedy="Make room there, or build elsewhere with --out.",
        )
    if ended.status is None:
        raise ImageError(
            f"image {recipe.name} was not built in {BUILD_SECONDS / 60:.0f} min",
            remedy="Look whether its repositories answer, and run the command again.",
        )
    raise ImageError(
        f"image {recipe.name} was not built: {step} ended with {ended.status}\n{ended.last_words}",
        remedy="Look whether its repositories answer and have the packages (for a file system: "
        "whether its size_mib is enough), and run it again.",
    )


def _refuse_newer(recipe: ImageRecipe, told: Path) -> None:
    """Refuse repositories that were published after the snapshot: tomorrow they hold others."""
    for file in sorted(told.glob("*Release")):
        head = HeaderParser().parsestr(_without_signature(file.read_text(encoding="utf-8")))
        published = parsedate_to_datetime(head["Date"])
        if published >= recipe.published_before:
            name = file.name.removesuffix("_InRelease").removesuffix("_Release")
            raise ImageError(
                f"image {recipe.name}: {name} was published on {published:%Y-%m-%d}, after the "
                f"snapshot of {recipe.snapshot}: the image would not be the same tomorrow",
                remedy="Name a mirror that keeps that day, or a later snapshot.",
            )


def _without_signature(text: str) -> str:
    """Return what a signed text says: it follows the first empty line."""
    return text.partition("\n\n")[2] if text.startswith("-----BEGIN PGP") else text


def _packages(status: str) -> Iterator[Package]:
    """Return the installed packages of dpkg's own record."""
    for paragraph in status.strip().split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if (fields["Status"] or "").endswith(" installed"):
            yield Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
            )


@contextmanager
def _only_build(draft: Path) -> Iterator[None]:
    """Let one build write to the folder, on a draft without anything of an earlier one."""
    draft.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(draft.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImageError(
                f"another build writes to {draft.parent}",
                remedy="Wait for it, or build elsewhere with --out.",
            ) from error
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        yield
    finally:
        os.close(folder)


def _is_root() -> bool:
    return os.geteuid() == 0
