"""What a database's host does for its archive: let the log move on, copy it, bring it back.

pgBackRest 2.45: https://pgbackrest.org/configuration.html
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import postgres
from .aside import data_of, inside, is_cut_off, make_empty, mark_of, put_aside, put_back
from .ground import RUNTIME, ActError, Answer, alone, run, run_alone
from .reaching import SSH, ask_server, fault_of
from .sql import RECOVERY, SENTINEL

ARCHIVE_SECONDS = 40.0
RECOVERY_SECONDS = 3 * 3600.0
STARTING = 1
"""What pg_isready ends with while a server is there and lets nobody in."""
ARCHIVER = """
SELECT json_build_object('last', last_archived_wal, 'failed', last_failed_wal,
  'is_failing', coalesce(last_failed_time > last_archived_time, last_failed_time IS NOT NULL))
FROM pg_stat_archiver;
"""
WAITING = "FATAL:  the database system is"
"""What a server that is starting says to whoever comes: not why it does not start."""
LOCK_SECONDS = 90.0
"""For another pgBackRest to let go of an archive's lock: 2.45 does not wait by itself."""
NAMES_ARE_SEGMENTS = 24
"""Letters of a segment's name; the archiver also names history files, which are shorter."""


def advance(request: Answer) -> Answer:
    """Write a sentinel, close the segment that it is in, and wait until that is archived."""
    cluster = postgres.Cluster(request["cluster"])
    cluster.require()
    if cluster.ask(RECOVERY, database="postgres"):
        raise ActError("refused", f"cluster {cluster.name} is a replica here: its primary archives")
    command = cluster.ask("SELECT to_json(current_setting('archive_command'));")
    if "pgbackrest" not in command:
        raise ActError("unprepared", f"cluster {cluster.name} archives nowhere yet")
    cluster.ask(SENTINEL, at=request["taken_at"], run=request["run"])
    closed = "SELECT to_json(pg_walfile_name(pg_switch_wal()));"
    segment = str(cluster.ask(closed, database="postgres"))
    limit = time.monotonic() + ARCHIVE_SECONDS
    while True:
        told = cluster.ask(ARCHIVER, database="postgres")
        last = str(told["last"] or "")[:NAMES_ARE_SEGMENTS]
        if last >= segment or time.monotonic() > limit:
            # Where one repository failed, the other may have it: each one's own server tells.
            return {"segment": segment, "archived": last >= segment}
        time.sleep(0.2)


def _ask_when_free(request: Answer, asked: Answer) -> None:
    """Have the backup server act once its lock is free: pieces of the log hold it, too."""
    limit = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return ask_server(request, asked)
        except ActError as error:
            if error.kind != "busy" or time.monotonic() > limit:
                raise
        time.sleep(1)


def archive_act(request: Answer) -> Answer:
    """Make the archive, or copy the cluster into it: its server does it, by the line from here."""
    cluster = postgres.Cluster(request["cluster"])
    cluster.require()
    if cluster.ask(RECOVERY, database="postgres"):
        raise ActError(
            "refused", f"cluster {cluster.name} is a replica here: its primary is copied"
        )
    with alone(f"archive-{request['subject']}"):
        begun = time.monotonic()
        asked: Answer = {
            **{name: request[name] for name in ("kind", "run") if name in request},
            "keep_days": request["archive"]["keep_days"],
            "host": request["host"],
            "path": request["archive"]["data"],
            "port": cluster.port,
            "compress": "lz4",
        }
        _ask_when_free(request, asked)
        return {"seconds": time.monotonic() - begun}


def restore(request: Answer) -> Answer:
    """Bring the archive back to a moment, or to its end, as a cluster that writes again."""
    cluster = postgres.Cluster(request["place"]["cluster"])
    steps: dict[str, float] = {}
    begun = time.monotonic()
    with alone(f"restore-{request['place'].get('name', cluster.name)}"):
        _refuse_replica(cluster)
        if request["place"]["make"]:
            _make(cluster, list(request["loaded"]))
        elif not cluster.is_there():
            raise ActError("absent", f"there is no cluster {cluster.version}/{cluster.name} here")
        aside = _put_aside(cluster, request)
        steps["cluster"] = _since(begun)
        try:
            _bring_back(cluster, request, steps=steps, in_place=aside is not None)
        except (ActError, OSError) as error:
            _give_up(cluster, aside, error)
            raise
        mark_of(data_of(cluster)).unlink(missing_ok=True)
        _, size = inside(data_of(cluster))
    kept = "" if aside is None else str(aside)
    return {"seconds": _since(begun), "fetched_bytes": size, "steps": steps, "kept": kept}


def _bring_back(
    cluster: postgres.Cluster, request: Answer, *, steps: dict[str, float], in_place: bool
) -> None:
    data = data_of(cluster)
    make_empty(data)
    with _configured(request) as config:
        at = time.monotonic()
        _fetch(config, request)
        steps["data"] = _since(at)
        at = time.monotonic()
        _replay(cluster)
        if in_place:
            # From here on people write to it: no later restore may take it for a half.
            mark_of(data).unlink(missing_ok=True)
        _settle(cluster)
        steps["log"] = _since(at)


def _make(cluster: postgres.Cluster, loaded: list[str]) -> None:
    """Make a cluster of this restore's own; one that a restore finished is somebody's by now."""
    half = mark_of(data_of(cluster))
    if half.exists():
        postgres.remove_cluster(cluster)
    if cluster.is_there():
        raise ActError("refused", f"cluster {cluster.name} is there: give another name")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.touch()
    postgres.make_cluster(cluster, loaded)


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 2)


def _refuse_replica(cluster: postgres.Cluster) -> None:
    if is_cut_off(data_of(cluster)):
        return  # it replays a log for nobody, and lets nobody in who could ask
    if cluster.is_there() and cluster.is_running() and cluster.ask(RECOVERY, database="postgres"):
        raise ActError(
            "refused", f"cluster {cluster.name} is a replica here: restore at its primary"
        )


def _put_aside(cluster: postgres.Cluster, request: Answer) -> Path | None:
    """Stop a cluster and keep its data under another name; an empty new one has none to keep."""
    data = data_of(cluster)
    if cluster.is_running():
        run(["pg_ctlcluster", *cluster.key, "stop", "-m", "fast"])
    if request["place"]["make"]:
        shutil.rmtree(data)
        return None
    return put_aside(data, request["run"])


def _give_up(cluster: postgres.Cluster, aside: Path | None, why: Exception) -> None:
    """Put the data back that was there before, and start it; remove what never was whole."""
    data = data_of(cluster)
    if aside is None:
        postgres.remove_cluster(cluster)
        mark_of(data).unlink(missing_ok=True)
        return
    try:
        if cluster.is_running():
            run(["pg_ctlcluster", *cluster.key, "stop", "-m", "fast"])
        put_back(data, aside)
        run(["pg_ctlcluster", *cluster.key, "start"])
    except ActError as another:
        raise ActError("failed", f"{why}; and what was there is down: {another.message}") from why


@contextmanager
def _configured(request: Answer) -> Iterator[Path]:
    """Write pgBackRest's configuration, with its key, into memory for as long as it is needed."""
    archive = request["archive"]
    RUNTIME.mkdir(mode=0o700, exist_ok=True)
    RUNTIME.chmod(0o711)  # postgres reads one file in it, whose name it knows
    owner = pwd.getpwnam(postgres.OWNER)
    # By the cluster's name: what a killed restore left of it the next one replaces.
    config, script = (
        RUNTIME / f"restore-{request['place']['name']}.{end}" for end in ("conf", "ssh")
    )
    lines = [
        "[global]",
        f"cmd-ssh={script}",
        "log-level-file=off",
        "log-level-console=warn",
        f"lock-path=/tmp/restore-{archive['stanza']}",
        f"repo1-host={archive['address']}",
        f"repo1-host-user={archive['user']}",
        f"repo1-path={archive['folder']}",
        "repo1-cipher-type=aes-256-cbc",
        f"repo1-cipher-pass={archive['key']}",
        f"[{archive['stanza']}]",
        f"pg1-path={data_of(postgres.Cluster(request['place']['cluster']))}",
    ]
    _private(config, "\n".join(lines) + "\n", owner=owner, mode=0o400)
    _private(script, f'#!/bin/sh\nexec {" ".join(SSH)} "$@"\n', owner=owner, mode=0o500)
    try:
        yield config
    finally:
        config.unlink(missing_ok=True)
        script.unlink(missing_ok=True)


def _private(path: Path, text: str, *, owner: pwd.struct_passwd, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def _fetch(config: Path, request: Answer) -> None:
    target = (
        ["--type=time", f"--target={request['at']}", "--target-action=promote"]
        if request.get("at")
        else ["--type=default"]
    )
    argv = [
        *("runuser", "-u", postgres.OWNER, "--", "pgbackrest", f"--config={config}"),
        *(f"--stanza={request['archive']['stanza']}", "--no-log-timestamp", *target, "restore"),
    ]
    # Ended in the middle it must be gone, and not write on into what is put back at the place.
    status, words = run_alone(argv)
    if status:
        raise fault_of(words.decode("utf-8", "replace"))


def _replay(cluster: postgres.Cluster) -> None:
    """Replay the log up to the moment; only a cluster that writes again has come back.

    While it replays nobody can log in: then it need not have the primary's own limits
    (max_connections and others), which a standby that answers must have.
    """
    words = [*("-o", "-c hot_standby=off"), *("-o", "-c archive_mode=off")]
    argv = ["pg_ctlcluster", "--skip-systemctl-redirect", cluster.version, cluster.name, "start"]
    log = Path(f"/var/log/postgresql/postgresql-{cluster.version}-{cluster.name}.log")
    before = log.stat().st_size if log.exists() else 0
    try:
        run([*argv, *words, "--", "-t", str(int(RECOVERY_SECONDS))])
        _await_writes(cluster)
    except ActError as error:
        raise _from_the_log(log, before, error) from error


def _settle(cluster: postgres.Cluster) -> None:
    """Make it as any cluster: with its own settings, and watched by systemd."""
    run(["pg_ctlcluster", "--skip-systemctl-redirect", *cluster.key, "stop", "-m", "fast"])
    run(["pg_ctlcluster", *cluster.key, "start"])
    for name in ("restore_command", "recovery_target_time", "recovery_target_action"):
        cluster.ask(f"ALTER SYSTEM RESET {name};", database="postgres")


def _await_writes(cluster: postgres.Cluster) -> None:
    """Wait until a cluster lets people in; the act's own limit ends a wait that is too long."""
    argv = cluster.argv("pg_isready", "-q", database="postgres")
    while True:
        code = subprocess.run(argv, cwd="/", check=False).returncode  # noqa: S603 - our own list
        if code == 0:
            return
        if code != STARTING:
            raise ActError("failed", f"cluster {cluster.name} ended while it replayed its log")
        time.sleep(0.2)


def _from_the_log(log: Path, before: int, error: ActError) -> ActError:
    """Say why a cluster did not come up: only its own log knows."""
    if not log.exists():
        return error
    with log.open("rb") as file:
        file.seek(before)
        lines = file.read().decode("utf-8", "replace").splitlines()
    fatal = [
        line for line in lines if ("FATAL:" in line or "ERROR:" in line) and WAITING not in line
    ]
    if not fatal:
        return error
    kind = "absent" if any("before configured recovery target" in line for line in fatal) else None
    fault = fault_of(" ".join(fatal[-3:]))
    fault.kind = kind or fault.kind
    return fault
