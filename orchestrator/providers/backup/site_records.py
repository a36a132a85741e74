"""The site's own records as one archive: its YAML, its vault as it lies, and the recorded state."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import BackupError
from orchestrator.model.backup import BackupFault

MOST_BYTES = 8 << 20
"""Packed; it goes through one connection, and comes back as one answer."""
NEVER = (".git", "crash.log", "lock", "backup-lock")
SHORTEST_LOOKED_FOR = 8
"""Bytes: a shorter password is found in texts that have nothing to do with it."""
PASSING = frozenset({"playbooks", "bmc"})
"""Of the state: what single runs left, and sessions that are open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """An archive, and what is in it."""

    content: bytes
    files: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRecords:
    """The folders of one site."""

    directory: Path
    state: Path
    password_file: Path
    """What opens the vault. Whoever had a copy of both had every secret of the site, so it is never
    among the records, whatever it is called and wherever it lies."""

    def pack(self) -> Packed:
        """Pack both folders: `site/` and `state/`.

        Raises:
            BackupError: a file cannot be read, or has the vault's password in it.
        """
        found: dict[str, Any] = {}
        password = self._password()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:xz") as archive:
            for name, file in self._files():
                try:
                    content, known = file.read_bytes(), file.stat()
                except FileNotFoundError:
                    continue  # it went away meanwhile: somebody works on the site
                except OSError as error:
                    raise BackupError(
                        f"cannot read {file}: {error.strerror}",
                        fault=BackupFault.FAILED,
                        broken=(str(file),),
                    ) from error
                if content.strip() == password:
                    continue
                _refuse_key_in(content, password, file)
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), known.st_mode & 0o777
                entry.mtime = int(known.st_mtime)
                archive.addfile(entry, io.BytesIO(content))
                found[f"/{name}"] = _described(content)
        if packed.tell() > MOST_BYTES:
            raise BackupError(
                f"the site's records are {packed.tell() >> 20} MiB packed; "
                f"{MOST_BYTES >> 20} MiB are the most",
                fault=BackupFault.REFUSED,
                remedy="Move images and other large files out of the site's directory.",
            )
        return Packed(content=packed.getvalue(), files=found)

    def unpack(self, content: bytes, folder: str) -> dict[str, Any]:
        """Write an archive's files below a folder, which must not be there; return what is there.

        Raises:
            BackupError: the folder is there, or the archive is not readable.
        """
        into = Path(folder)
        try:
            into.mkdir(mode=0o700, parents=True)
            with tarfile.open(fileobj=io.BytesIO(content), mode="r:xz") as archive:
                for entry in archive:
                    _write(archive, entry, into)
        except FileExistsError as error:
            raise BackupError(
                f"{folder} is there already",
                fault=BackupFault.REFUSED,
                remedy="Name a folder that is not there.",
            ) from error
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BackupError(
                f"the site's records cannot be unpacked into {folder}: {error}",
                fault=BackupFault.BROKEN,
            ) from error
        return {
            f"/{file.relative_to(into)}": _described(file.read_bytes())
            for file in sorted(into.rglob("*"))
            if file.is_file()
        }

    def _password(self) -> bytes:
        try:
            return self.password_file.read_bytes().strip()
        except OSError as error:
            raise BackupError(
                f"cannot read {self.password_file}: {error.strerror}: nobody knows whether the "
                "vault's password lies among the records",
                fault=BackupFault.FAILED,
                remedy="Name the vault's password file with --vault-password-file.",
            ) from error

    def _files(self) -> Iterator[tuple[str, Path]]:
        state = self.state.resolve()
        for top, root in (("site", self.directory.resolve()), ("state", state)):
            for file in sorted(root.rglob("*")):
                inside = file.relative_to(root)
                if not file.is_file() or file.is_symlink() or _left_out(inside):
                    continue
                if top == "site" and file.is_relative_to(state):
                    continue
                if top == "state" and inside.parts[0] in PASSING:
                    continue
                yield f"{top}/{inside}", file


def _refuse_key_in(content: bytes, password: bytes, file: Path) -> None:
    if len(password) >= SHORTEST_LOOKED_FOR and password in content:
        raise BackupError(
            f"{file} has the vault's password in it: it would lie beside the vault in every copy",
            fault=BackupFault.REFUSED,
            broken=(str(file),),
            remedy="Remove it from there, and give the vault another password.",
        )


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, into: Path) -> None:
    """Write one file of what `pack` made; Python has its own filters since 3.11.4 only."""
    file = into / entry.name
    packed = archive.extractfile(entry) if entry.isreg() else None
    if packed is None or not file.resolve().is_relative_to(into.resolve()):
        raise tarfile.TarError(f"{entry.name} is nothing that the site's records have")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=entry.mode & 0o700)
    file.write_bytes(packed.read())


def _left_out(path: Path) -> bool:
    return any(part in NEVER for part in path.parts)


def _described(content: bytes) -> dict[str, Any]:
    return {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
