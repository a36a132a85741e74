"""Runs on a host, as root, with the host's own Python: `python3 - REQUEST`, where REQUEST is JSON.

It is sent there through stdin and leaves nothing behind. It answers with one line of JSON, so that
nothing is decided by what a program says in words.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CONFIG = Path("/etc/postgresql")
DATA = Path("/var/lib/postgresql")
TLS = Path("/etc/site-tls")
RECORD = "service.json"
"""In a cluster's folder: whose it is. Written last, when the cluster has been made."""
UPSTREAM = "conf.d/60-upstream.conf"
TERMS = Path("/var/lib/site-leaders")
"""Who was made the primary, and (of `site-may-lead`) who was let start as it."""
LEADING = Path("/run/site-leaders")
"""What `site-may-lead` says of a cluster that it did not let start."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
WAITS = Path("/etc/systemd/system/site-lead-wait@.service")
STOP_SECONDS, START_SECONDS, FOLLOW_SECONDS = 60, 60, 30
LETS_START_SECONDS = 120
"""A cluster that was let start as the primary is seen to lead after that time."""

STATE = """
SELECT json_build_object(
  'recovery', pg_is_in_recovery(),
  'version', current_setting('server_version'),
  'system_id', (SELECT system_identifier::text FROM pg_control_system()),
  'timeline', CASE WHEN pg_is_in_recovery()
    THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver),
                  (SELECT timeline_id FROM pg_control_checkpoint()))
    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
  'lsn', (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
    ELSE pg_current_wal_lsn() END - '0/0')::bigint,
  'received', (CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(),
    pg_last_wal_replay_lsn()) END - '0/0')::bigint,
  'upstream', coalesce((SELECT sender_host FROM pg_stat_wal_receiver), ''),
  'streaming', EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'),
  'lag_seconds', CASE WHEN NOT pg_is_in_recovery() THEN NULL
    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
      AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming') THEN 0
    ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END,
  'size', (SELECT pg_database_size(oid) FROM pg_database WHERE datname = :'database'),
  'pending', ARRAY(SELECT name FROM pg_settings WHERE pending_restart ORDER BY name))
"""
RECEIVED = """
SELECT json_build_object('timeline', received_tli, 'received', (flushed_lsn - '0/0')::bigint)
FROM pg_stat_wal_receiver WHERE received_tli IS NOT NULL
"""
UNUSED_SLOTS_DROPPED = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE NOT active AND slot_name = ANY(string_to_array(:'ours', ','))
"""
EXTENSIONS = "SELECT json_agg(extname ORDER BY extname) FROM pg_extension"


class RefusedError(Exception):
    """What was asked for cannot or must not be done; the text says why."""


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.argv[1])
    try:
        answer = VERBS[request.pop("do")](**request)
    except RefusedError as error:
        answer = {"refused": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def look(*, services: list[dict[str, Any]]) -> dict[str, Any]:
    """Tell of the certificate and of each cluster."""
    return {
        "certificate": _certificate(),
        "clusters": {one["cluster"]: _cluster(**one) for one in services},
        "terms": {one["cluster"]: _json(TERMS / f"{one['cluster']}.json") for one in services},
        "starts": {one["cluster"]: _let_start(one["cluster"]) for one in services},
    }


def request(*, host: str, names: list[str]) -> dict[str, str]:
    """Make a key where none waits for its certificate; return the request for one."""
    waiting = TLS / "waiting"
    waiting.mkdir(parents=True, exist_ok=True)
    TLS.chmod(0o755)
    waiting.chmod(0o700)
    key, asked = waiting / "server.key", waiting / "server.csr"
    if not key.exists():
        draft = waiting / "draft.key"
        _run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-out", str(draft))  # fmt: skip
        draft.chmod(0o600)
        draft.replace(key)
    _run("openssl", "req", "-new", "-key", str(key), "-subj", f"/CN={host}",
         "-addext", f"subjectAltName={','.join(names)}", "-out", str(asked))  # fmt: skip
    return {"request": asked.read_text()}


def flush(*, cluster: str, version: str) -> dict[str, Any]:
    """Bring what a primary has in memory to its disk: the stop that follows is short then."""
    _sql(cluster, version, "CHECKPOINT")
    return {}


def stop(*, cluster: str, version: str) -> dict[str, Any]:
    """Stop a cluster in order: what its replicas lack is sent to them first."""
    _stop_waiting(cluster, version)
    _run("systemctl", "stop", _unit(cluster, version), seconds=STOP_SECONDS)
    control = _control(cluster, version)
    if control["Database cluster state"] not in {"shut down", "shut down in recovery"}:
        raise RefusedError(f"it stopped as `{control['Database cluster state']}`, not in order")
    return {"lsn": _bytes(control["Latest checkpoint location"])}


def start(*, cluster: str, version: str) -> dict[str, Any]:
    """Start a cluster as it is: whoever asks for this has seen that no other one leads."""
    _stop_waiting(cluster, version)
    LEADING.mkdir(mode=0o755, exist_ok=True)
    told_to = LEADING / f"{cluster}.told-to"
    told_to.touch()
    try:
        _run("systemctl", "start", _unit(cluster, version), seconds=START_SECONDS)
    finally:
        # It is for this start. Where the cluster ran already, nobody has taken it away.
        told_to.unlink(missing_ok=True)
    return {}


def promote(*, cluster: str, version: str, slots: list[str]) -> dict[str, Any]:
    """Make a replica the primary, with a slot for each host that is to follow it."""
    sql = (
        f"SELECT pg_promote(true, {START_SECONDS}) WHERE pg_is_in_recovery();"
        "SELECT json_build_object('recovery', pg_is_in_recovery());"
    )
    if json.loads(_sql(cluster, version, sql).splitlines()[-1])["recovery"]:
        raise RefusedError(f"it was not promoted within {START_SECONDS} s")
    (CONFIG / version / cluster / UPSTREAM).unlink(missing_ok=True)
    for slot in slots:
        _sql(cluster, version, "SELECT pg_create_physical_replication_slot(:'slot', true) WHERE "
             "NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = :'slot')",
             slot=slot)  # fmt: skip
    _sql(cluster, version, "CHECKPOINT")
    return _lineage(cluster, version)


def claim(*, cluster: str, version: str, host: str, term: int, leader: str) -> dict[str, Any]:
    """Keep who is made the primary; a voter that knows better, or let another start, refuses."""
    known = _json(TERMS / f"{cluster}.json")
    if known and (known["term"], known["leader"]) == (term, leader):
        return {}
    if known and known["term"] >= term:
        raise RefusedError(f"{known['leader']} was made the primary (term {known['term']})")
    if leader != host and _leads(cluster, version):
        raise RefusedError("it runs as the primary here")
    started = _let_start(cluster)
    if started and started["host"] != leader:
        left = f"{started['seconds']:.0f} s"
        raise RefusedError(f"{started['host']} was let start as the primary: ask again in {left}")
    TERMS.mkdir(mode=0o755, exist_ok=True)
    file = TERMS / f"{cluster}.json"
    draft = file.with_name(f".{file.name}.new")
    with draft.open("w") as written:
        json.dump({"term": term, "leader": leader}, written)
        written.flush()
        os.fsync(written.fileno())
    draft.replace(file)
    folder = os.open(TERMS, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return {}


def follow(
    *, cluster: str, version: str, upstream: dict[str, Any], lineage: dict[str, Any]
) -> dict[str, Any]:
    """Let a cluster follow a primary, and see it do so; one that has forked is left as it is."""
    data = DATA / version / cluster
    running = _active(cluster, version)
    if running and _sql(cluster, version, "SELECT pg_is_in_recovery()").strip() != "t":
        raise RefusedError("it is a primary and runs: stop it first")
    _refuse_forked(cluster, version, lineage, running=running)
    _stop_waiting(cluster, version)
    _write(CONFIG / version / cluster / UPSTREAM, upstream["settings"])
    if running:
        _run("systemctl", "reload", _unit(cluster, version), seconds=START_SECONDS)
    else:
        _write(data / "standby.signal", "")
        _run("systemctl", "start", _unit(cluster, version), seconds=START_SECONDS)
    # A replica has no followers: a slot of ours that it kept would hold its log for nobody.
    ours = ",".join(upstream["slots"])
    _sql(cluster, version, UNUSED_SLOTS_DROPPED, ours=ours)
    address = upstream["address"]
    deadline = time.monotonic() + FOLLOW_SECONDS
    asked = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming' AND "
    asked += "sender_host = :'address'"
    while _sql(cluster, version, asked, address=address).strip() != "1":
        if time.monotonic() > deadline:
            raise RefusedError(f"it does not follow {address} after {FOLLOW_SECONDS} s")
        time.sleep(0.2)
    return {}


VERBS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "look": look,
    "request": request,
    "flush": flush,
    "stop": stop,
    "start": start,
    "promote": promote,
    "claim": claim,
    "follow": follow,
}


def _lineage(cluster: str, version: str) -> dict[str, Any]:
    """Tell how a primary's log came to be: its timeline, and where those before it end."""
    control = _control(cluster, version)
    timeline = int(control["Latest checkpoint's TimeLineID"])
    history = DATA / version / cluster / "pg_wal" / f"{timeline:08X}.history"
    lines = history.read_text().splitlines() if history.exists() else []
    words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {
        "system_id": control["Database system identifier"],
        "timeline": timeline,
        "forks": {word[0]: _bytes(word[1]) for word in words},
    }


def _refuse_forked(cluster: str, version: str, lineage: dict[str, Any], *, running: bool) -> None:
    """Refuse a cluster that has log which its new primary has not."""
    if running:
        # Of a replica that hears nothing only the last restartpoint's timeline is told. PostgreSQL
        # itself does not let it follow where it has more, and nothing of it is lost by asking.
        found = json.loads(_sql(cluster, version, RECEIVED) or "null")
        if found is None:
            return
        timeline, end = found["timeline"], found["received"] or 0
    else:
        control = _control(cluster, version)
        state = control["Database cluster state"]
        if state not in {"shut down", "shut down in recovery"}:
            raise RefusedError(f"it is `{state}`: how much it has that others lack is not known")
        if control["Database system identifier"] != lineage["system_id"]:
            raise RefusedError("it is another database")
        timeline = int(control["Min recovery ending loc's timeline"])
        timeline = timeline or int(control["Latest checkpoint's TimeLineID"])
        ends = ("Latest checkpoint location", "Minimum recovery ending location")
        end = max(_bytes(control[name]) for name in ends)
    fork = lineage["forks"].get(str(timeline))
    if timeline != lineage["timeline"] and (fork is None or end > fork):
        raise RefusedError(
            f"its log goes to {_lsn(end)} on timeline {timeline}, and the primary's timeline "
            f"{lineage['timeline']} left that one at {'no place' if fork is None else _lsn(fork)}: "
            "what it has beyond is nowhere else. It was left as it is; to throw that away: "
            "orchestrator service apply --rebuild"
        )


def _leads(cluster: str, version: str) -> bool:
    """Say whether a cluster runs here and is no replica; on a witness there is none."""
    replica = (DATA / version / cluster / "standby.signal").exists()
    return not replica and _active(cluster, version)


def _let_start(cluster: str) -> dict[str, Any] | None:
    """Return whom this voter let start as the primary, and how long it holds to that yet."""
    note = _json(TERMS / f"{cluster}.starts")
    left = LETS_START_SECONDS - _seconds_since(note) if note else 0.0
    return {"host": note["host"], "seconds": left} if note and left > 0 else None


def _seconds_since(note: Mapping[str, Any]) -> float:
    """Return how long ago something was noted, perhaps in an earlier boot."""
    if note["boot"] == BOOT.read_text().strip():
        return time.monotonic() - float(note["at"])
    ago = time.time() - float(note["clock"])
    # A clock that went back tells nothing: it was before this boot, no more is known.
    return ago if ago >= 0 else time.monotonic()


def _stop_waiting(cluster: str, version: str) -> None:
    """End what would start the cluster as soon as it may lead."""
    if WAITS.exists():
        _run("systemctl", "stop", f"{WAITS.stem}{version}-{cluster}.service")


def _json(file: Path) -> dict[str, Any] | None:
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def _cluster(*, cluster: str, version: str, port: int) -> dict[str, Any]:
    folder, data = CONFIG / version / cluster, DATA / version / cluster
    if (DATA / version / f".{cluster}.making").exists():
        return {"role": "unfinished"}
    if not folder.exists() and not (data.exists() and any(data.iterdir())):
        return {"role": "absent"}
    record = folder / RECORD
    if not record.exists():
        return {"role": "unknown", "reason": "it was not made by orchestrator"}
    made = json.loads(record.read_text())
    told = {"service": made["service"], "follows": (data / "standby.signal").exists()}
    if not _active(cluster, version):
        return {**told, "role": "down", **_stopped(cluster, version)}
    try:
        found = json.loads(_sql(cluster, version, STATE, database=made["database"]))
        extensions = "null"
        if found["size"] is not None:
            extensions = _sql(cluster, version, EXTENSIONS, into=made["database"])
    except (RefusedError, ValueError) as error:
        return {**told, "role": "unknown", "reason": str(error)[:300]}
    role = "replica" if found.pop("recovery") else "primary"
    return {**told, **found, "role": role, "extensions": json.loads(extensions) or []}


def _stopped(cluster: str, version: str) -> dict[str, Any]:
    """Tell of a cluster that does not run: was it stopped in order, and where does its log end."""
    unit = _unit(cluster, version)
    try:
        control = _control(cluster, version)
        state = control["Database cluster state"]
        lsn = _bytes(control["Latest checkpoint location"])
        timeline = int(control["Latest checkpoint's TimeLineID"])
    except (RefusedError, KeyError, ValueError) as error:
        return {"reason": f"{unit} does not run: {error}"}
    said = _json(LEADING / f"{cluster}.json") or {"answer": "", "why": ""}
    return {
        "reason": said["why"] or f"{unit} does not run: {state}",
        "waits": said["why"] if said["answer"] == "wait" else "",
        "clean": state == "shut down",
        "lsn": lsn,
        "timeline": timeline,
    }


def _certificate() -> dict[str, str]:
    certificate, authority = TLS / "current/server.crt", TLS / "ca.crt"
    if not certificate.exists() or not authority.exists():
        return {}
    until = _run("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601",
                 "-in", str(certificate))  # fmt: skip
    return {
        "until": until.strip().removeprefix("notAfter="),
        "authority": hashlib.sha256(authority.read_bytes()).hexdigest(),
    }


def _sql(cluster: str, version: str, sql: str, *, into: str = "postgres", **values: str) -> str:
    record = json.loads((CONFIG / version / cluster / RECORD).read_text())
    words = ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
             "-p", str(record["port"]), "-d", into]  # fmt: skip
    for name, value in values.items():
        words += ["-v", f"{name}={value}"]
    return _run(*words, given=sql, seconds=START_SECONDS + 10)


def _control(cluster: str, version: str) -> dict[str, str]:
    program = f"/usr/lib/postgresql/{version}/bin/pg_controldata"
    told = _run("env", "LC_ALL=C", program, str(DATA / version / cluster))
    pairs = (line.split(":", 1) for line in told.splitlines() if ":" in line)
    return {name: value.strip() for name, value in pairs}


def _bytes(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def _lsn(end: int) -> str:
    return f"{end >> 32:X}/{end & 0xFFFFFFFF:X}"


def _active(cluster: str, version: str) -> bool:
    asked = ["systemctl", "is-active", "--quiet", _unit(cluster, version)]
    ended = subprocess.run(asked, timeout=20, check=False)  # noqa: S603 - our own words, no shell
    return ended.returncode == 0


def _unit(cluster: str, version: str) -> str:
    return f"postgresql@{version}-{cluster}.service"


def _write(file: Path, text: str) -> None:
    """Write a file of the server's whole or not at all."""
    draft = file.with_name(f".{file.name}.new")
    draft.write_text(text)
    owner = file.parent.stat()
    os.chown(draft, owner.st_uid, owner.st_gid)
    draft.chmod(0o640)
    draft.replace(file)


def _run(*words: str, given: str = "", seconds: float = 20) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
            words, input=given, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise RefusedError(f"{words[0]} took longer than {seconds:.0f} s") from None
    except OSError as error:
        raise RefusedError(f"{words[0]}: {error.strerror}") from None
    if done.returncode:
        raise RefusedError(" ".join((done.stderr or done.stdout).split())[-300:])
    return done.stdout


if __name__ == "__main__":
    main()
