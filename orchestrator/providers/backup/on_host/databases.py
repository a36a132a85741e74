"""What a host does with MariaDB's databases: copy them, bring them back, and count them."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, BinaryIO

from . import mariadb, mariadb_home, mariadb_made
from .copying import NOTHING, finish, handed, head_words, read_manifest
from .ground import CHUNK_BYTES, ActError, Answer, alone, ended_in_any_case, said
from .mariadb_dump import Dump, quoted, redirected
from .mariadb_state import STATE, UPSTREAMS
from .restic import Repository, elapsed, save

DUMP_NAME = "dump.sql"
OWN = "orchestrator"
RESTORING, REPLACED = ".restoring", ".replaced"

HAS_SENTINELS = """
SELECT JSON_OBJECT('there', COUNT(*)) FROM information_schema.tables
WHERE table_schema = 'orchestrator' AND table_name = 'sentinel';
"""
MAKE_SENTINELS = """
CREATE DATABASE IF NOT EXISTS orchestrator;
CREATE TABLE IF NOT EXISTS orchestrator.sentinel (id BIGINT AUTO_INCREMENT PRIMARY KEY,
  written_at DATETIME(6) NOT NULL, run VARCHAR(80) NOT NULL) ENGINE=InnoDB;
"""


def back_up(request: Answer) -> Answer:
    """Copy databases at one moment: the dump first, its manifest last."""
    with alone(request["subject"]):
        repository = Repository.of(request)
        server = mariadb.Server(request["instance"])
        server.require()
        missing = set(server.databases) - set(server.here(server.databases))
        if missing:
            names = sorted(missing)
            raise ActError("absent", f"there is no database {', '.join(names)} here", broken=names)
        _write_sentinel(server, at=request["taken_at"], run=request["run"])
        digest, size, dump = hashlib.sha256(), 0, Dump()

        def feed(pipe: BinaryIO) -> None:
            nonlocal size

            def take(chunk: bytes) -> None:
                nonlocal size
                digest.update(chunk)
                size += len(chunk)
                pipe.write(chunk)

            _dumped(server, dump, names=[*server.databases, OWN], take=take)

        words = ["--stdin", "--stdin-filename", DUMP_NAME, *head_words(request, "data")]
        data_id = save(repository, words, feed)
        known = {
            "facts": _facts(server, dump),
            "private": {
                "users": mariadb.users(server, server.databases),
                "databases": server.databases,
                "more_than_tables": dump.more_than_tables(),
                "unsteady": dump.facts()["notes"],
            },
            "data_id": data_id,
            "data_bytes": size,
            "data_sha256": digest.hexdigest(),
        }
        return finish(request, repository, known)


def _write_sentinel(server: mariadb.Server, *, at: str, run: str) -> None:
    (found,) = server.ask(HAS_SENTINELS)
    if not found["there"]:
        server.say(MAKE_SENTINELS)
    moment = datetime.fromisoformat(at).astimezone(timezone.utc)  # noqa: UP017 - Python 3.9 there
    written = mariadb.literal(moment.strftime("%Y-%m-%d %H:%M:%S.%f"))
    server.say(
        f"DELETE FROM orchestrator.sentinel WHERE written_at < {written} - INTERVAL 7 DAY;\n"  # noqa: S608 - quoted
        f"INSERT INTO orchestrator.sentinel (written_at, run) "
        f"VALUES ({written}, {mariadb.literal(run)});\n"
    )


def _dumped(
    server: mariadb.Server, dump: Dump, *, names: list[str], take: Callable[[bytes], None]
) -> None:
    """Have databases dumped and counted; a dump that fails or has no end is a fault."""
    child = mariadb.dump(server, server.here(names))
    with ended_in_any_case(child):
        assert child.stdout is not None and child.stderr is not None  # noqa: S101 - both are pipes
        while chunk := child.stdout.read(CHUNK_BYTES):
            dump.take(chunk)
            take(chunk)
        words = child.stderr.read()
        if child.wait():
            raise ActError("failed", f"the dump broke off: {said(words)}")
    dump.end()


def _facts(server: mariadb.Server, dump: Dump) -> Answer:
    """Return what a dump has, and who may use it."""
    told = dump.facts()
    users = mariadb.users(server, server.databases)
    rights = {f"rights of {user['name']}": mariadb.rights_of(user) for user in users}
    left_out = [note for user in users for note in user["left_out"]]
    (state,) = server.ask(STATE)
    return {
        **told,
        "properties": {**told["properties"], **rights},
        "roles": [user["name"] for user in users],
        "notes": [*told["notes"], *left_out],
        "server_version": state["version"],
    }


def facts(request: Answer) -> Answer:
    """Count what is at a place: it is dumped again, and the dump is thrown away."""
    # Those of the copy: the site may declare others by now.
    server = mariadb.Server({**request["place"]["instance"], "databases": request["databases"]})
    server.require()
    dump = Dump()
    _dumped(server, dump, names=[*server.databases, OWN], take=lambda chunk: None)
    return _facts(server, dump)


def holding(request: Answer) -> Answer:
    """Say what is at a place now."""
    server = mariadb.Server(request["place"]["instance"])
    found: dict[str, Any] = {**NOTHING, "cluster": server.is_there()}
    if not server.is_running():
        return found
    (state,) = server.ask(STATE)
    follows = server.say(UPSTREAMS).strip() or (state["read_only"] and not state["wsrep"])
    found.update(running=True, in_recovery=bool(follows))
    # One that a restore made may have what the site declares no more, or what people put there.
    names = server.everything() if server.name else server.here(server.databases)
    counts = "".join(
        f"SELECT COUNT(*) FROM {quoted(name)}.{quoted(table)};\n"  # noqa: S608 - quoted
        for name, table in server.tables(names)
    )
    found["rows"] = sum(map(int, server.say(counts).split())) if counts else 0
    return found


def restore(request: Answer) -> Answer:
    """Bring a copy to a place on this host."""
    steps: dict[str, float] = {}
    begun = time.monotonic()
    place = request["place"]
    with alone(f"restore-{place['name']}"):
        repository = Repository.of(request)
        manifest = read_manifest(repository, request["manifest_id"])
        steps["manifest"] = elapsed(begun)
        server = mariadb.Server(place["instance"])
        bring = _bring_elsewhere if place["make"] else _bring_home
        bring(server, repository, manifest, steps=steps)
    return {"seconds": elapsed(begun), "fetched_bytes": manifest["data_bytes"], "steps": steps}


def _bring_elsewhere(
    server: mariadb.Server, repository: Repository, manifest: Answer, *, steps: dict[str, float]
) -> None:
    at = time.monotonic()
    mariadb_made.make(server)
    steps["server"] = elapsed(at)
    at = time.monotonic()
    try:
        _fill(server, repository, manifest, names={})
    except ActError:
        mariadb_made.remove(server)
        raise
    # The data stays where an account is not taken: it may be all that there is.
    mariadb.make_users(server, manifest["private"]["users"])
    steps["data"] = elapsed(at)


def _bring_home(
    server: mariadb.Server, repository: Repository, manifest: Answer, *, steps: dict[str, float]
) -> None:
    at = time.monotonic()
    server.require()
    more = manifest["private"]["more_than_tables"]
    if more:
        raise ActError(
            "refused",
            f"{', '.join(more)} has views, triggers, events, routines or sequences, which cannot "
            "be given another database: restore it elsewhere, and bring it from there",
        )
    names = [*manifest["private"]["databases"], OWN]
    (state,) = server.ask(STATE)
    mariadb_home.refuse_what_would_not_move(
        server,
        names,
        version=state["version"],
        notes=manifest["private"]["unsteady"] if state["wsrep"] else [],
    )
    drafts = {name: f"{name}{RESTORING}" for name in names}
    replaced = {name: f"{name}{REPLACED}" for name in names}
    mariadb.drop(server, [*drafts.values(), *replaced.values()])
    try:
        _fill(server, repository, manifest, names=drafts)
        _prove(server, manifest, drafts)
        steps["data"] = elapsed(at)
        at = time.monotonic()
        mariadb.take_place(server, drafts, replaced)
    except ActError:
        mariadb.drop(server, list(drafts.values()))
        raise
    # Only now: a right on a table needs the table.
    mariadb.make_users(server, manifest["private"]["users"])
    mariadb.drop(server, [*drafts.values(), *replaced.values()])
    steps["switch"] = elapsed(at)


def _prove(server: mariadb.Server, manifest: Answer, drafts: dict[str, str]) -> None:
    """Count the drafts, before anything that is in use gives way to them."""
    dump = Dump()
    _dumped(server, dump, names=list(drafts.values()), take=lambda chunk: None)
    found = dump.facts()["tables"]
    differing = mariadb_home.unlike(found, manifest["facts"]["tables"], drafts=drafts)
    if differing:
        raise ActError(
            "mismatch",
            f"{len(differing)} tables are not as recorded, and nothing took their place",
            broken=differing,
        )


def _fill(
    server: mariadb.Server, repository: Repository, manifest: Answer, *, names: dict[str, str]
) -> None:
    """Fill a server with a dump, under other names of its databases where there are some."""
    digest, size, dump = hashlib.sha256(), 0, Dump()
    child = mariadb.filling(server)
    words = ("--no-lock", "dump", manifest["data_id"], f"/{DUMP_NAME}")
    with ended_in_any_case(child), repository.started(*words) as running:
        open_ended = True
        while chunk := running.stdout.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            # What came is what is compared; what is handed on goes by lines, some of them changed.
            ready = b"".join(redirected(dump.take(chunk), names))
            open_ended = open_ended and handed(child, ready)
        running.end()
        code, words_of_client = _ended(child)
    if size != manifest["data_bytes"] or digest.hexdigest() != manifest["data_sha256"]:
        raise _unlike(f"came back with {size} bytes of {manifest['data_bytes']}, or other ones")
    dump.end()
    if code:
        raise _unlike(f"cannot be restored: {words_of_client}")


def _ended(child: subprocess.Popen[bytes]) -> tuple[int, str]:
    assert child.stdin is not None and child.stderr is not None  # noqa: S101 - both are pipes
    try:
        child.stdin.close()
    except BrokenPipeError:
        pass  # it ended: why, its own words say
    words = said(child.stderr.read())
    return child.wait(), words


def _unlike(why: str) -> ActError:
    return ActError("mismatch", f"{DUMP_NAME} {why}", broken=[DUMP_NAME])


def remove(request: Answer) -> Answer:
    """Remove a server that a restore made."""
    with alone(f"restore-{request['place']['name']}"):
        mariadb_made.remove(mariadb.Server(request["place"]["instance"]))
    return {}
