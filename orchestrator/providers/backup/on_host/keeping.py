"""What a repository's own server does: make, list, prove and thin out, by the files' own paths."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .copying import finish, head_words, read_manifest
from .files import sha256_of
from .ground import ActError, Answer, held
from .restic import REMOTE_USER, Repository, save

IN_USE_SECONDS = 60.0
SITE_FILE = "site.tar.xz"
NAMED_BY_CONTENT = ("data", "index", "snapshots", "keys")
"""restic names each of these files by the SHA-256 of what is in it."""
AT_A_TIME = 2


def _folder(request: Answer, subject: str) -> Path:
    return Path(request["repository"]["path"], subject)


@contextmanager
def nobody_else(folder: Path) -> Iterator[None]:
    """Hold a repository alone: whoever writes over SSH holds the same file, as long as it lives.

    Locks that are in the repository then belong to nobody who is alive, and are removed.
    """
    in_use = folder.with_name(f"{folder.name}.in-use")
    with held(in_use, within=IN_USE_SECONDS, busy=f"{folder} is being written to"):
        for lock in (folder / "locks").glob("*"):
            lock.unlink()
        yield


def prepare(request: Answer) -> Answer:
    """Make the repositories that are not there yet; return their subjects."""
    made = []
    for subject in request["subjects"]:
        folder = _folder(request, subject)
        if (folder / "config").is_file():
            continue
        _clear_half_made(folder)
        owner = _owner()
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
            os.chown(each, owner.pw_uid, owner.pw_gid)
        in_use = folder.with_name(f"{folder.name}.in-use")
        in_use.touch(mode=0o600)
        os.chown(in_use, owner.pw_uid, owner.pw_gid)
        Repository.of({**request, "subject": subject}).run("init")
        made.append(subject)
    return {"made": made}


def _clear_half_made(folder: Path) -> None:
    """Remove the key of a repository that was cut off before its configuration was written.

    Where anything was stored the configuration was lost since. Without the keys all of it would be
    lost, too: restic makes no second one for the same data.
    """
    if _files(folder, ("data", "index", "snapshots")):
        lost = _shown(folder / "config")
        raise ActError("broken", f"{lost} is gone, and copies are there still", broken=[lost])
    if (folder / "keys").is_dir():
        shutil.rmtree(folder / "keys")


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(REMOTE_USER)
    except KeyError:
        raise ActError("unprepared", f"the server has no user {REMOTE_USER}") from None


def copies(request: Answer) -> Answer:
    """List the snapshots of subjects; a subject without a repository has none."""
    there = [one for one in request["subjects"] if (_folder(request, one) / "config").is_file()]

    def listed(subject: str) -> list[Answer]:
        one = Repository.of({**request, "subject": subject})
        _require_sound_head(_folder(request, subject))
        return list(one.lines("--no-lock", "snapshots")[0])

    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        return {"snapshots": dict(zip(there, pool.map(listed, there), strict=False))}


def manifest(request: Answer) -> Answer:
    """Read a copy's manifest; what only a restore needs, roles' verifiers above all, stays here."""
    _require_sound_head(_folder(request, request["subject"]))
    found = read_manifest(Repository.of(request), request["manifest_id"])
    found.pop("private", None)
    return found


def _require_sound_head(folder: Path) -> None:
    """Refuse a repository whose keys, snapshots or indexes are damaged, and name the files."""
    if not (folder / "config").is_file():
        raise ActError("absent", f"there is no repository in {folder}")
    broken = [_shown(file) for file in _files(folder, ("keys", "snapshots", "index")) if _bad(file)]
    if broken:
        raise ActError("broken", f"{len(broken)} files are not what they were", broken=broken)


def _files(folder: Path, kinds: tuple[str, ...]) -> list[Path]:
    return sorted(f for kind in kinds for f in (folder / kind).rglob("*") if f.is_file())


def _bad(file: Path) -> bool:
    return sha256_of(file) != file.name


def _shown(file: Path) -> str:
    return str(file)


def verify(request: Answer) -> Answer:
    """Read part N of M of the packs and all that leads to them; ask restic whether all is there."""
    folder = _folder(request, request["subject"])
    number, parts = request["part"]
    if not (folder / "config").is_file():
        raise ActError("absent", f"there is no repository in {folder}")
    with nobody_else(folder):
        packs = _files(folder, ("data",))
        mine = [file for file in packs if int(file.name[:8], 16) % parts == number]
        read = [*mine, *_files(folder, NAMED_BY_CONTENT[1:])]
        broken = [_shown(file) for file in read if _bad(file)]
        complaint = ""
        if not broken:
            broken, complaint = _structure(request, folder, {file.name for file in packs})
        size = sum(file.stat().st_size for file in read)
    return {
        "files_read": len(read),
        "bytes_read": size,
        "broken": broken,
        "complaint": complaint,
    }


def _structure(request: Answer, folder: Path, packs: set[str]) -> tuple[list[str], str]:
    """Let restic follow every snapshot to its packs; where one is missing, name it."""
    repository = Repository.of(request)
    try:
        repository.run("--no-lock", "check")
    except ActError as fault:
        if fault.kind == "wrong-key":
            raise
        wanted: set[str] = set()
        for file in _files(folder, ("index",)):
            index = repository.lines("--no-lock", "cat", "index", file.name)
            wanted |= {pack["id"] for pack in _index(index)["packs"]}
        missing = [str(folder / "data" / name[:2] / name) for name in sorted(wanted - packs)]
        return missing, "" if missing else fault.message
    return [], ""


def _index(lines: list[Any]) -> Answer:
    return dict(lines[0])


def prune(request: Answer) -> Answer:
    """Forget snapshots, and remove the data that no other needs."""
    folder = _folder(request, request["subject"])
    with nobody_else(folder):
        before = _size(folder)
        repository = Repository.of(request)
        if request["snapshots"]:
            repository.run("forget", *request["snapshots"])
        repository.run("prune")
        return {"freed_bytes": max(0, before - _size(folder))}


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def space(request: Answer) -> Answer:
    """Say how much room is left where the repositories are."""
    return {"free_bytes": shutil.disk_usage(request["repository"]["path"]).free}


def there(request: Answer) -> Answer:
    """Say whether a snapshot is there: by its file, whatever a client was told."""
    folder = _folder(request, request["subject"]) / "snapshots"
    return {"there": any(folder.glob(f"{request['manifest_id']}*"))}


def keep_site(request: Answer) -> Answer:
    """Keep the site's own records, which come with the request."""
    content = base64.b64decode(request.pop("content"))
    repository = Repository.of(request)
    folder = _folder(request, request["subject"])
    if not (folder / "config").is_file():
        raise ActError("absent", f"there is no repository in {folder}")
    words = ["--stdin", "--stdin-filename", SITE_FILE, *head_words(request, "data")]
    # No connection holds the repository for this act: without it a prune would take restic's lock
    # for a dead one's, and remove what was just written.
    with nobody_else(folder):
        data_id = save(repository, words, lambda pipe: _written(pipe.write(content)))
        known = {
            "facts": {"files": request["files"]},
            "data_id": data_id,
            "data_bytes": len(content),
            "data_sha256": hashlib.sha256(content).hexdigest(),
        }
        return finish(request, repository, known)


def _written(_count: int) -> None:
    """Take note of nothing: a pipe's writer writes all or raises."""


def site(request: Answer) -> Answer:
    """Return the site's records of a copy."""
    repository = Repository.of(request)
    content = repository.run("--no-lock", "dump", request["data_id"], f"/{SITE_FILE}")
    return {"content": base64.b64encode(content).decode()}
