"""What a repository's own server does: make, list, prove and thin out, by the files' own paths."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from .copying import finish, head_words, ignored, read_manifest
from .ground import ActError, Answer, held
from .restic import REMOTE_USER, Repository, save, stamp
from .soundness import HEAD, damaged, files_of, is_bad, read_before

IN_USE_SECONDS = 60.0
LARGEST_CLOCK_DIFFERENCE_SECONDS = 300.0
"""The same as between the machines that run backups (planning.backup)."""
SITE_FILE = "site.tar.xz"
AT_A_TIME = 2
TRIAL_TAG = "part=trial"
TRIAL_OVER_SECONDS = 86_400.0
"""A younger one may still be tried."""
OF_ONE_SUBJECT = ("broken", "failed", "absent")
"""Faults that tell nothing of another subject's repository."""


def _folder(request: Answer, subject: str) -> Path:
    return Path(request["repository"]["path"], subject)


def repository_folder(request: Answer) -> Path:
    """Return the folder of a subject's repository, which must be there."""
    folder = _folder(request, request["subject"])
    if not (folder / "config").is_file():
        raise ActError("absent", f"there is no repository in {folder}")
    return folder


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
    if files_of(folder, ("data", "index", "snapshots")):
        lost = str(folder / "config")
        raise ActError("broken", f"{lost} is gone, and copies are there still", broken=[lost])
    if (folder / "keys").is_dir():
        shutil.rmtree(folder / "keys")


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(REMOTE_USER)
    except KeyError:
        raise ActError("unprepared", f"the server has no user {REMOTE_USER}") from None


def copies(request: Answer) -> Answer:
    """List the snapshots of subjects; a subject without a repository has none.

    What cannot be read of one subject hides neither the rest of it nor another one.
    """
    there = [one for one in request["subjects"] if (_folder(request, one) / "config").is_file()]
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        told = list(pool.map(lambda one: _listed(request, one), there))
    listed = list(zip(there, told, strict=False))
    return {
        "snapshots": {subject: found for subject, (found, _) in listed},
        "damaged": {subject: names for subject, (_, names) in listed if names},
        "read": {one: read_before(_folder(request, one)) for one in there},
    }


def _listed(request: Answer, subject: str) -> tuple[list[Answer], list[str]]:
    """Return a subject's snapshots that can be read, and its files that cannot."""
    folder = _folder(request, subject)
    bad = [str(file) for file in damaged(folder, HEAD)]
    try:
        # A damaged snapshot is left out by restic itself (0.14), with a word about it.
        found = Repository.of({**request, "subject": subject}).lines("--no-lock", "snapshots")[0]
    except ActError as fault:
        if not bad and fault.kind not in OF_ONE_SUBJECT:
            raise
        return [], bad or fault.broken or [f"{folder}: {fault.message}"]
    return list(found), bad


def manifest(request: Answer) -> Answer:
    """Read a copy's manifest; what only a restore needs, roles' verifiers above all, stays here."""
    folder = repository_folder(request)
    mine = (folder / "snapshots").glob(f"{request['manifest_id']}*")
    broken = [str(file) for file in (*damaged(folder, ("keys", "index")), *filter(is_bad, mine))]
    if broken:
        raise ActError("broken", f"{len(broken)} files are not what they were", broken=broken)
    found = read_manifest(Repository.of(request), request["manifest_id"])
    found.pop("private", None)
    return found


def prune(request: Answer) -> Answer:
    """Forget snapshots, and remove the data that no other needs."""
    refuse_other_time(float(request["now_seconds"]), time.time())
    folder = repository_folder(request)
    with nobody_else(folder):
        before = _size(folder)
        repository = Repository.of(request)
        gone = [*request["snapshots"], *_left_trials(repository)]
        if gone:
            repository.run("forget", *gone)
        repository.run("prune")
        return {"freed_bytes": max(0, before - _size(folder))}


def _left_trials(repository: Repository) -> list[str]:
    """Return the trial files that somebody wrote, and was cut off before they were removed."""
    listed = repository.lines("--no-lock", "snapshots", "--tag", TRIAL_TAG)[0] or []
    limit = time.gmtime(time.time() - TRIAL_OVER_SECONDS)
    before = time.strftime("%Y-%m-%d %H:%M:%S", limit)
    return [str(one["id"]) for one in listed if stamp(str(one["time"])) < before]


def refuse_other_time(theirs: float, mine: float) -> None:
    """Refuse to delete by the age of copies where two clocks do not agree on what is old."""
    ahead = theirs - mine
    if abs(ahead) > LARGEST_CLOCK_DIFFERENCE_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        raise ActError(
            "refused",
            f"the clock of the machine that prunes is {abs(ahead):.0f} s {way} this server's: "
            "nothing is deleted by an age that two clocks do not agree on",
        )


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def space(request: Answer) -> Answer:
    """Say how much room is left where the repositories are."""
    return {"free_bytes": shutil.disk_usage(request["repository"]["path"]).free}


def keep_site(request: Answer) -> Answer:
    """Keep the site's own records, which come with the request."""
    content = base64.b64decode(request.pop("content"))
    repository = Repository.of(request)
    folder = repository_folder(request)
    words = ["--stdin", "--stdin-filename", SITE_FILE, *head_words(request, "data")]
    # No connection holds the repository for this act: without it a prune would take restic's lock
    # for a dead one's, and remove what was just written.
    with nobody_else(folder):
        data_id = save(repository, words, lambda pipe: ignored(pipe.write(content)))
        known = {
            "facts": {"files": request["files"]},
            "data_id": data_id,
            "data_bytes": len(content),
            "data_sha256": hashlib.sha256(content).hexdigest(),
        }
        return finish(request, repository, known)


def site(request: Answer) -> Answer:
    """Return the site's records of a copy."""
    repository = Repository.of(request)
    content = repository.run("--no-lock", "dump", request["data_id"], f"/{SITE_FILE}")
    return {"content": base64.b64encode(content).decode()}
