"""Data that is no file here: it comes in after the request, or goes out before the answer.

It is sent in parts, each with its length in front, and an empty one at the end: without that one it
was cut off, whatever an end of the connection looks like.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

from .copying import finish, head_words
from .ground import CHUNK_BYTES, ActError, Answer, end_by
from .keeping import nobody_else, repository_folder
from .restic import Repository, save

CONTENT = "content"
LENGTH_BYTES = 4
END = b"\0" * LENGTH_BYTES
SILENT_SECONDS = 60.0
"""So long the next part is waited for: a network that was cut shows as nothing at all, and whoever
waits holds the repository."""


def keep_stream(request: Answer) -> Answer:
    """Keep what comes in after the request, with what is known of it."""
    repository = Repository.of(request)
    digest, size = hashlib.sha256(), 0

    def feed(pipe: BinaryIO) -> None:
        nonlocal size
        for part in parts_of(sys.stdin.buffer, end_by, within=request["within"]):
            digest.update(part)
            size += len(part)
            pipe.write(part)

    words = ["--stdin", "--stdin-filename", CONTENT, *head_words(request, "data")]
    # No connection holds the repository for this act, as with the site's records.
    with nobody_else(repository_folder(request)):
        data_id = save(repository, words, feed)
        described = {"size_bytes": size, "sha256": digest.hexdigest()}
        known = {
            "facts": {**request["facts"], "files": {f"/{CONTENT}": described}},
            "data_id": data_id,
            "data_bytes": size,
            "data_sha256": digest.hexdigest(),
        }
        return {**finish(request, repository, known), "sha256": digest.hexdigest()}


def fetch_stream(request: Answer) -> Answer:
    """Give the content of a copy out, before the answer."""
    out = sys.stdout.buffer
    try:
        with Repository.of(request).started(
            "--no-lock", "dump", request["data_id"], f"/{CONTENT}"
        ) as running:
            while part := running.stdout.read(CHUNK_BYTES):
                out.write(len(part).to_bytes(LENGTH_BYTES, "big") + part)
            running.end()
    finally:
        # The answer follows, and says whether this was all.
        out.write(END)
        out.flush()
    return {}


def parts_of(pipe: BinaryIO, end_by: Callable[[float], None], *, within: float) -> Iterator[bytes]:
    """Return the parts of a stream, one by one; one without its end is a fault.

    `end_by` ends this process after some seconds, in place of what it was told before. Whatever is
    done with a part, and after the last one, has `within` seconds.
    """
    while True:
        end_by(SILENT_SECONDS)
        length = int.from_bytes(_exactly(pipe, LENGTH_BYTES), "big")
        part = _exactly(pipe, length)
        end_by(within)
        if not part:
            return
        yield part


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    found = pipe.read(count)
    if len(found) != count:
        raise ActError("silent", "the stream was cut off: what came is no copy")
    return found
