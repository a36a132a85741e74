"""Whether a host can delete what it wrote: tried on a trial file, and never on a copy."""

from __future__ import annotations

import time

from .copying import ignored
from .ground import Answer, said
from .keeping import nobody_else, repository_folder
from .restic import Repository, save, tags

TRIAL = "trial"
"""The part that no copy has: a listing leaves it out."""
TRIAL_NAME = "trial-of-deletion"
DELETE_SECONDS = 40.0
"""restic tries a refused deletion again and again; the first answer is enough."""
FORBIDDEN = "403 Forbidden"
"""How rclone's server answers a deletion where it is append-only (HTTP)."""


def try_to_delete(request: Answer) -> Answer:
    """Write a trial file and delete it, as whoever took over this host would.

    Says whether that was refused: a server that was not reached refused nothing.
    """
    repository = Repository.of(request)
    words = [
        *("--stdin", "--stdin-filename", TRIAL_NAME, "--host", request["host"]),
        *tags(run=TRIAL, part=TRIAL),
    ]
    # Always the same: only its snapshot, a file of some hundred bytes, is stored again.
    trial = save(repository, words, lambda pipe: ignored(pipe.write(TRIAL_NAME.encode())))
    with repository.started("forget", trial) as running:
        limit = time.monotonic() + DELETE_SECONDS
        while running.child.poll() is None and time.monotonic() < limit:
            if any(FORBIDDEN in line for line in running.complaints):
                break
            time.sleep(0.1)
    heard = running.heard()
    return {
        "trial_id": trial,
        "refused": any(FORBIDDEN in line for line in heard),
        "said": said("\n".join(heard)),
    }


def end_trial(request: Answer) -> Answer:
    """Say whether a trial is there still, by its file, and remove it on the server itself."""
    folder = repository_folder(request)
    there = any((folder / "snapshots").glob(f"{request['trial_id']}*"))
    if there:
        with nobody_else(folder):
            Repository.of(request).run("forget", request["trial_id"])
    return {"there": there}
