"""From a root as an archive to an ext4 file system: nothing is mounted, nothing left to chance."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from pathlib import Path

from orchestrator.adapters.mmdebstrap.process import Ended, run_program
from orchestrator.model.image_build import ImageRecipe

LABEL = "root"
STEP_SECONDS = 900.0

SUPERBLOCK_AT, FREE_INODES_AT = 1024, 16
"""Where ext4 keeps its numbers of inodes (all and free), as 32 bits with the low byte first."""
ROOT_INODE, FIRST_INODE = 2, 11
"""Between them are those that the file system keeps for itself."""


def steps(recipe: ImageRecipe, draft: Path, archive: Path) -> Iterator[tuple[str, Ended]]:
    """Make `draft`/filesystem out of the archive; yield how each program ended."""
    root, image, script = draft / "root", draft / "filesystem", draft / "times"
    root.mkdir()
    yield "unpack", _run(
        draft, recipe, "tar", "--extract", "--numeric-owner", "--preserve-permissions",
        "--xattrs", "--xattrs-include=*", "--file", str(archive), "--directory", str(root),
    )  # fmt: skip
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{recipe.name} {recipe.snapshot}"))
    yield "make", _run(
        draft, recipe, "mke2fs", "-q", "-t", "ext4", "-d", str(root), "-U", number, "-L", LABEL,
        "-E", f"hash_seed={number},root_owner=0:0", str(image), f"{recipe.size_mib}M",
    )  # fmt: skip
    script.write_text("".join(_same_times(image, recipe.epoch)), encoding="utf-8")
    yield "set times", _run(draft, recipe, "debugfs", "-w", "-f", str(script), str(image))


def _same_times(image: Path, epoch: int) -> Iterator[str]:
    """Yield what debugfs is told: mke2fs (1.47.0) copies when each file was unpacked and read."""
    with image.open("rb") as content:
        content.seek(SUPERBLOCK_AT)
        block = content.read(FREE_INODES_AT + 4)
    (count,) = struct.unpack_from("<I", block)
    (free,) = struct.unpack_from("<I", block, FREE_INODES_AT)
    for inode in (ROOT_INODE, *range(FIRST_INODE, count - free + 1)):
        for field in ("atime", "ctime"):
            yield f"set_inode_field <{inode}> {field} @{epoch}\n"


def _run(draft: Path, recipe: ImageRecipe, *command: str) -> Ended:
    return run_program(
        command,
        environment={"E2FSPROGS_FAKE_TIME": str(recipe.epoch), "TZ": "UTC"},
        folder=draft,
        within=STEP_SECONDS,
        heard=lambda line: None,
    )
