"""MariaDB servers that restores make: beside whatever the host runs, and apart from it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

from .ground import ActError, lacking, run, said
from .mariadb import LARGEST_PACKET, MADE, RESTORED, SERVER, Server

UNITS = Path("/etc/systemd/system")
SAID_LINES = "20"
OWNER = "mysql"

CONFIGURATION = """# Written by orchestrator: a server that a restore made.
# The host's own settings are not read, so it joins no cluster.
[mariadbd]
user = {owner}
datadir = {folder}/data
socket = {socket}
pid-file = {folder}/mariadb.pid
bind-address = 127.0.0.1
port = {port}
skip-name-resolve
skip-log-bin
event-scheduler = OFF
loose-wsrep-on = OFF
max-allowed-packet = {packet}
"""
UNIT = """# Written by orchestrator: `restore run` made it, and nothing starts it at boot.
[Unit]
Description=MariaDB {name}, made by a restore
[Service]
Type=notify
User={owner}
RuntimeDirectory=orchestrator-mariadb-{name}
ExecStart={server} --defaults-file={folder}/server.cnf
TimeoutStartSec=300
TimeoutStopSec=300
LimitNOFILE=32768
"""


def make(server: Server) -> None:
    """Make an empty server of a restore's own, for this host's users alone, and start it.

    One of that name that a restore made before goes: whoever asked for this knows what it has.
    """
    if not Path(SERVER).exists():
        raise lacking("mariadbd")
    remove(server)
    if _is_taken(server.port):
        raise ActError("refused", f"port {server.port} is taken on this host")
    RESTORED.mkdir(mode=0o755, exist_ok=True)
    server.folder.mkdir(mode=0o750, exist_ok=True)  # an empty one: a run was cut off here
    (server.folder / MADE).touch()
    shutil.chown(server.folder, OWNER, OWNER)
    told = {"folder": server.folder, "owner": OWNER, "name": server.name, "server": SERVER}
    settings = CONFIGURATION.format(
        **told, socket=server.socket, port=server.port, packet=LARGEST_PACKET
    )
    (server.folder / "server.cnf").write_text(settings)
    run(
        [
            *("mariadb-install-db", f"--defaults-file={server.folder}/server.cnf"),
            *("--auth-root-authentication-method=socket", "--auth-root-socket-user=root"),
            *("--skip-test-db", f"--user={OWNER}"),
        ]
    )
    (UNITS / server.unit).write_text(UNIT.format(**told))
    run(["systemctl", "daemon-reload"])
    start(server)


def start(server: Server) -> None:
    """Start a server that a restore made; a fault has the last words of its log."""
    try:
        run(["systemctl", "start", server.unit])
    except ActError:
        words = run(["journalctl", "--no-pager", "-o", "cat", "-n", SAID_LINES, "-u", server.unit])
        raise ActError("failed", f"{server.title} does not start: {said(words)}") from None


def remove(server: Server) -> None:
    """Remove a server that a restore made; one that is not there is none to remove."""
    if not server.name:
        raise ActError("refused", "the host's own MariaDB is never removed")
    folder = server.folder
    if folder.exists() and any(folder.iterdir()) and not server.is_there():
        raise ActError("refused", f"{folder} was made by no restore: it is left as it is")
    unit = UNITS / server.unit
    if unit.exists():
        # It is not asked to end in order: nothing of it is kept.
        if _state(server) in {"active", "activating", "deactivating"}:
            run(["systemctl", "kill", "--signal=KILL", server.unit])
        run(["systemctl", "stop", server.unit])
        if _state(server) == "failed":
            run(["systemctl", "reset-failed", server.unit])
        unit.unlink()
        run(["systemctl", "daemon-reload"])
    if folder.exists():
        shutil.rmtree(folder)


def _state(server: Server) -> str:
    told = run(["systemctl", "show", "--property=ActiveState", "--value", server.unit])
    return told.decode().strip()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
