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
from .ground import RUNTIME, ActError, Answer, alone, lacking, run
from .reaching import SSH, ask_server, fault_of
from .sql import RECOVERY, SENTINEL

ARCHIVE_SECONDS = 40.0
RECOVERY_SECONDS = 3 * 3600.0
STARTING = 1
"""What pg_isready ends with while a server is there and lets nobody in."""
DATA = Path("/var/lib/postgresql")
ARCHIVER = """
SELECT json_build_object('last', last_archived_wal, 'failed', last_failed_wal,
  'is_failing', coalesce(last_failed_time > last_archived_time, last_failed_time IS NOT NULL))
FROM pg_stat_archiver;
"""
WAITING = "FATAL:  the database system is"
"""What a server that is starting says to whoever comes: not why it does not start."""
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
        ask_server(request, asked)
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
        with _configured(request) as config:
            try:
                at = time.monotonic()
                _fetch(cluster, config, request)
                steps["data"] = _since(at)
                at = time.monotonic()
                _recover(cluster)
                steps["log"] = _since(at)
            except ActError:
                _give_up(cluster, aside)
                raise
        size = _size(_data(cluster))
        _half(cluster).unlink(missing_ok=True)
    kept = str(aside) if aside is not None and not request["place"]["make"] else ""
    return {"seconds": _since(begun), "fetched_bytes": size, "steps": steps, "kept": kept}


def _make(cluster: postgres.Cluster, loaded: list[str]) -> None:
    """Make a cluster of this restore's own; one that a restore finished is somebody's by now."""
    half = _half(cluster)
    if half.exists():
        postgres.remove_cluster(cluster)
    if cluster.is_there():
        raise ActError("refused", f"cluster {cluster.name} is there: give another name")
    half.parent.mkdir(parents=True, exist_ok=True)
    half.touch()
    postgres.make_cluster(cluster, loaded)


def _half(cluster: postgres.Cluster) -> Path:
    """Return the file that says of a cluster that it is not whole yet: none else removes it."""
    return DATA / cluster.version / f".{cluster.name}.restoring"


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 2)


def _refuse_replica(cluster: postgres.Cluster) -> None:
    if cluster.is_there() and cluster.is_running() and cluster.ask(RECOVERY, database="postgres"):
        raise ActError(
            "refused", f"cluster {cluster.name} is a replica here: restore at its primary"
        )


def _data(cluster: postgres.Cluster) -> Path:
    return DATA / cluster.version / cluster.name


def _put_aside(cluster: postgres.Cluster, request: Answer) -> Path | None:
    """Stop a cluster and keep its data under another name; an empty new one has none to keep."""
    data = _data(cluster)
    if cluster.is_running():
        run(["pg_ctlcluster", cluster.version, cluster.name, "stop", "-m", "fast"])
    aside = data.with_name(f"{data.name}.before-{request['run']}")
    if aside.exists():
        # This very restore was cut off before: what is at the place now is its own half.
        shutil.rmtree(data, ignore_errors=True)
    elif request["place"]["make"]:
        shutil.rmtree(data)
    else:
        data.rename(aside)
    data.mkdir(mode=0o700)
    owner = pwd.getpwnam(postgres.OWNER)
    os.chown(data, owner.pw_uid, owner.pw_gid)
    return None if request["place"]["make"] else aside


def _give_up(cluster: postgres.Cluster, aside: Path | None) -> None:
    """Put the data back that was there before, and start it; remove what never was whole."""
    if aside is None:
        postgres.remove_cluster(cluster)
        _half(cluster).unlink(missing_ok=True)
        return
    if cluster.is_running():
        run(["pg_ctlcluster", *cluster.key, "stop", "-m", "fast"])
    shutil.rmtree(_data(cluster))
    aside.rename(_data(cluster))
    run(["pg_ctlcluster", cluster.version, cluster.name, "start"])


@contextmanager
def _configured(request: Answer) -> Iterator[Path]:
    """Write pgBackRest's configuration, with its key, into memory for as long as it is needed."""
    archive = request["archive"]
    RUNTIME.mkdir(mode=0o700, exist_ok=True)
    RUNTIME.chmod(0o711)  # postgres reads one file in it, whose name it knows
    owner = pwd.getpwnam(postgres.OWNER)
    config = RUNTIME / f"restore-{request['run']}.conf"
    script = RUNTIME / f"restore-{request['run']}.ssh"
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
        f"pg1-path={DATA / request['place']['cluster']['version']}"
        f"/{request['place']['cluster']['name']}",
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


def _fetch(cluster: postgres.Cluster, config: Path, request: Answer) -> None:
    target = (
        ["--type=time", f"--target={request['at']}", "--target-action=promote"]
        if request.get("at")
        else ["--type=default"]
    )
    argv = [
        *("runuser", "-u", postgres.OWNER, "--", "pgbackrest", f"--config={config}"),
        *(f"--stanza={request['archive']['stanza']}", "--no-log-timestamp", *target, "restore"),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own argument list, no shell
            argv, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", check=False
        )
    except FileNotFoundError:
        raise lacking("pgbackrest") from None
    if done.returncode:
        raise fault_of((done.stdout + done.stderr).decode("utf-8", "replace"))


def _recover(cluster: postgres.Cluster) -> None:
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
    run(["pg_ctlcluster", "--skip-systemctl-redirect", *cluster.key, "stop", "-m", "fast"])
    # From here on as any cluster: with its own settings, and watched by systemd.
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


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
