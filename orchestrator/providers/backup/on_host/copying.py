"""What a host does whose data it is: copy it into a repository, and bring it back."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from . import counting, files, postgres
from .ground import CHUNK_BYTES, ActError, Answer, alone, ended_in_any_case, said
from .restic import Repository, elapsed, save, stamp, tags
from .sql import RECOVERY, SENTINEL

DUMP_NAME = "dump.pgc"
MANIFEST_NAME = "manifest.json"


def back_up(request: Answer) -> Answer:
    """Copy a subject: its data first, its manifest last."""
    with alone(request["subject"]):
        repository = Repository.of(request)
        if request.get("cluster"):
            known = _service(request, repository)
        else:
            known = _files(request, repository)
        return finish(request, repository, known)


def finish(request: Answer, repository: Repository, known: Answer) -> Answer:
    """Save the manifest of a copy whose data is there: with it, it is a copy."""
    head = {name: request[name] for name in ("run", "subject", "host", "taken_at")}
    manifest = {**head, **known}
    size = known["data_bytes"]
    words = [
        *("--stdin", "--stdin-filename", MANIFEST_NAME),
        *head_words(request, "manifest"),
        *tags(data=known["data_id"], bytes=size),
    ]
    text = json.dumps(manifest).encode()
    manifest_id = save(repository, words, lambda pipe: ignored(pipe.write(text)))
    return {"data_id": known["data_id"], "manifest_id": manifest_id, "size_bytes": size}


def head_words(request: Answer, part: str) -> list[str]:
    """Return what every snapshot of a run is labelled with."""
    return [
        *("--host", request["host"], "--time", stamp(request["taken_at"])),
        *tags(run=request["run"], part=part),
    ]


def ignored(_written: int) -> None:
    """Take note of nothing: a pipe's writer writes all or raises."""


def _service(request: Answer, repository: Repository) -> Answer:
    cluster = postgres.Cluster(request["cluster"])
    cluster.require()
    cluster.ask(SENTINEL, at=request["taken_at"], run=request["run"])
    with counting.one_moment(cluster) as session:
        facts = counting.count(session)
        private = counting.shape(session)
        digest, size = hashlib.sha256(), 0

        def feed(pipe: BinaryIO) -> None:
            nonlocal size
            child = postgres.pgdump(cluster, session.snapshot)
            with ended_in_any_case(child):
                size = _pour(child, pipe, digest.update)

        words = ["--stdin", "--stdin-filename", DUMP_NAME, *head_words(request, "data")]
        data_id = save(repository, words, feed)
    return {
        "facts": facts,
        "private": private,
        "data_id": data_id,
        "data_bytes": size,
        "data_sha256": digest.hexdigest(),
    }


def _pour(child: subprocess.Popen[bytes], pipe: BinaryIO, seen: Callable[[bytes], None]) -> int:
    """Pass a program's output on; a program that fails is a fault, whatever it wrote."""
    assert child.stdout is not None and child.stderr is not None  # noqa: S101 - both are pipes
    size = 0
    while chunk := child.stdout.read(CHUNK_BYTES):
        seen(chunk)
        size += len(chunk)
        pipe.write(chunk)
    words = child.stderr.read()
    if child.wait():
        raise ActError("failed", f"the dump broke off: {said(words)}")
    return size


def _files(request: Answer, repository: Repository) -> Answer:
    found = files.digests(request["paths"])
    excluded = [word for one in request["exclude"] for word in ("--exclude", one)]
    words = [*head_words(request, "data"), *excluded, "--", *request["paths"]]
    data_id = save(repository, words)
    facts = files.settled(found)
    if request["exclude"]:
        listed = _listed(repository, data_id)
        facts = {name: one for name, one in facts.items() if name in listed}
    size = sum(one["size_bytes"] for one in facts.values())
    return {"facts": {"files": facts}, "data_id": data_id, "data_bytes": size}


def _listed(repository: Repository, data_id: str) -> set[str]:
    """Return the files of a snapshot: what the patterns left out, restic alone knows."""
    return {line["path"] for line in repository.lines("ls", data_id) if line.get("type") == "file"}


def read_manifest(repository: Repository, manifest_id: str) -> Answer:
    """Read what was recorded with a copy."""
    try:
        found = json.loads(repository.run("--no-lock", "dump", manifest_id, f"/{MANIFEST_NAME}"))
    except ValueError:
        raise ActError("broken", f"the manifest {manifest_id} is not readable") from None
    return dict(found)


def restore(request: Answer) -> Answer:
    """Bring a copy to a place on this host."""
    steps: dict[str, float] = {}
    begun = time.monotonic()
    with alone(f"restore-{request['place'].get('name', 'files')}"):
        repository = Repository.of(request)
        manifest = read_manifest(repository, request["manifest_id"])
        steps["manifest"] = elapsed(begun)
        if request["place"].get("cluster"):
            _restore_service(request, repository, manifest, steps=steps)
        else:
            at = time.monotonic()
            folder = request["place"]["folder"]
            Path(folder).mkdir(parents=True, exist_ok=True)
            repository.run("--no-lock", "restore", request["data_id"], "--target", folder)
            steps["files"] = elapsed(at)
    fetched = manifest["data_bytes"]
    return {"seconds": elapsed(begun), "fetched_bytes": fetched, "steps": steps}


def _restore_service(
    request: Answer, repository: Repository, manifest: Answer, *, steps: dict[str, float]
) -> None:
    at = time.monotonic()
    place = request["place"]
    cluster = postgres.Cluster(place["cluster"])
    if place["make"]:
        postgres.make_cluster(cluster, list(manifest["facts"]["extensions"]))
    cluster.require()
    if cluster.ask(RECOVERY, database="postgres"):
        raise ActError(
            "refused", f"cluster {cluster.name} is a replica here: restore at its primary"
        )
    draft, replaced = f"{cluster.database}.restoring", f"{cluster.database}.replaced"
    postgres.drop(cluster, draft, replaced)
    postgres.make_roles(cluster, manifest["private"])
    postgres.make_database(cluster, draft, manifest["private"]["database"])
    steps["cluster"] = elapsed(at)
    at = time.monotonic()
    try:
        _fill(cluster, draft, repository, manifest=manifest)
    except ActError:
        postgres.drop(cluster, draft)
        raise
    steps["data"] = elapsed(at)
    at = time.monotonic()
    postgres.take_place(cluster, draft, replaced=replaced)
    postgres.drop(cluster, replaced)
    cluster.ask("ANALYZE;")
    steps["switch"] = elapsed(at)


def _fill(
    cluster: postgres.Cluster, database: str, repository: Repository, *, manifest: Mapping[str, Any]
) -> None:
    digest, size = hashlib.sha256(), 0
    words = ("--no-lock", "dump", manifest["data_id"], f"/{DUMP_NAME}")
    child = postgres.pgrestore(cluster, database)
    with ended_in_any_case(child), repository.started(*words) as running:
        assert child.stdin is not None and child.stderr is not None  # noqa: S101 - both are pipes
        open_ended = True
        while chunk := running.stdout.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            open_ended = open_ended and handed(child, chunk)
        running.end()
        child.stdin.close()
        words_of_restore = said(child.stderr.read())
        code = child.wait()
    if size != manifest["data_bytes"] or digest.hexdigest() != manifest["data_sha256"]:
        raise ActError(
            "mismatch",
            f"{DUMP_NAME} came back with {size} bytes of {manifest['data_bytes']}, or other ones",
            broken=[DUMP_NAME],
        )
    if code:
        raise ActError(
            "mismatch", f"{DUMP_NAME} cannot be restored: {words_of_restore}", broken=[DUMP_NAME]
        )


def handed(child: subprocess.Popen[bytes], chunk: bytes) -> bool:
    """Hand on a part; False once pg_restore ended: why, it says itself."""
    assert child.stdin is not None  # noqa: S101 - a pipe
    try:
        child.stdin.write(chunk)
    except BrokenPipeError:
        return False
    return True


def holding(request: Answer) -> Answer:
    """Say what is at a place now."""
    place = request["place"]
    if not place.get("cluster"):
        folder = Path(place["folder"])
        there = folder.is_dir()
        return {**NOTHING, "rows": sum(1 for _ in folder.iterdir()) if there else 0}
    cluster = postgres.Cluster(place["cluster"])
    if not cluster.is_there():
        return dict(NOTHING)
    if not cluster.is_running():
        return {**NOTHING, "cluster": True}
    found = {**NOTHING, "cluster": True, "running": True}
    found["in_recovery"] = cluster.ask(RECOVERY, database="postgres")
    if cluster.database in cluster.databases():
        with counting.one_moment(cluster) as session:
            tables = counting.count(session)["tables"]
        own = (one["rows"] for name, one in tables.items() if name != "orchestrator.sentinel")
        found["rows"] = sum(own)
    return found


LOOK_PAUSES = (0.0, 2.0, 4.0)
"""Seconds before each look whether a cluster answers: one silence is no verdict."""

NOTHING: Mapping[str, Any] = {"cluster": False, "running": False, "in_recovery": False, "rows": 0}


def _answers(cluster: postgres.Cluster) -> bool:
    """Say whether a cluster answers; a busy one may miss the 3 s that Debian's tool waits."""
    for pause in LOOK_PAUSES:
        time.sleep(pause)
        if cluster.is_running():
            return True
    return False


def role(request: Answer) -> Answer:
    """Say whether a cluster is a primary here, a replica, or neither."""
    cluster = postgres.Cluster(request["cluster"])
    if not cluster.is_there():
        return {"role": "absent"}
    if not _answers(cluster):
        return {"role": "down"}
    replica = cluster.ask(RECOVERY, database="postgres")
    return {"role": "replica" if replica else "primary"}


def facts(request: Answer) -> Answer:
    """Count what is at a place."""
    place = request["place"]
    if place.get("cluster"):
        cluster = postgres.Cluster(place["cluster"])
        cluster.require()
        with counting.one_moment(cluster) as session:
            return counting.count(session)
    root = Path(place["folder"])
    found: dict[str, Any] = {}
    for name in request["files"]:
        file = root / name.lstrip("/")
        if file.is_file():
            size = file.stat().st_size
            found[name] = {"size_bytes": size, "sha256": files.sha256_of(file)}
    return {"files": found}


def remove(request: Answer) -> Answer:
    """Remove a cluster that a restore made."""
    with alone(f"restore-{request['place'].get('name', 'files')}"):
        postgres.remove_cluster(postgres.Cluster(request["place"]["cluster"]))
    return {}
