"""Sends the part that runs on hosts to a host, with a request, and reads what it answers.

The program goes along with each call (some ten kilobytes): no host keeps an old one, and a host
that was made a minute ago can be asked as any other.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from orchestrator.errors import BackupError, HostError
from orchestrator.model.backup import BackupFault
from orchestrator.model.hardware import Server
from orchestrator.model.host import Ran
from orchestrator.ports.host import Hosts

ON_HOST = Path(__file__).with_name("on_host")
PACKAGE = "on_host"
STARTER: Final = (
    "import base64,os,runpy,sys;"
    'f=os.memfd_create("backup");'
    "os.write(f,base64.b85decode(sys.argv[1]));"
    'sys.path.insert(0,"/proc/self/fd/%d"%f);'
    'runpy.run_path(sys.path[0],run_name="__main__")'
)
"""Nothing is written to a disk of the host."""
GRACE_SECONDS = 15.0
"""A host ends its act by itself first, and says why."""
MAIN = "from on_host.main import main\nmain()\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Agents:
    """The servers' hosts, as they do backup work."""

    hosts: Hosts

    def ask(
        self, server: Server, act: str, request: Mapping[str, Any], *, within: float
    ) -> Mapping[str, Any]:
        """Have a host do one act and return its answer.

        Raises:
            BackupError: the host is silent, or says why it could not.
        """
        given = json.dumps({"act": act, "within": within, **request})
        try:
            ran = self.hosts.run(
                server, program_command(), within=within + GRACE_SECONDS, given=given + "\n"
            )
        except HostError as error:
            raise BackupError(
                error.message, fault=BackupFault.SILENT, remedy=error.remedy
            ) from error
        return answer_of(server, act, ran)


def answer_of(server: Server, act: str, ran: Ran) -> Mapping[str, Any]:
    """Return what a host answered. Raises BackupError: it says why it could not, or nothing."""
    try:
        told = json.loads(ran.out)
        fault = told.get("fault")
        answer = told.get("answer")
    except (ValueError, AttributeError):
        fault = answer = None
    if fault is None and not isinstance(answer, dict):
        raise BackupError(
            f"{server.name}: the act `{act}` ended with {ran.status}: {_last_line(ran.err)}",
            fault=BackupFault.FAILED,
            remedy="A host needs Python 3.9 or later; orchestrator backup prepare installs "
            "the rest.",
        )
    if fault is not None:
        raise _error(server, fault)
    return dict(answer)


def _error(server: Server, fault: Mapping[str, Any]) -> BackupError:
    kind = BackupFault(str(fault["kind"]).replace("-", " "))
    broken = [str(name) for name in fault["broken"]]
    named = f": {', '.join(broken[:MOST_NAMED])}" if broken else ""
    return BackupError(
        f"{server.name}: {fault['message']}{named}",
        fault=kind,
        broken=broken,
        remedy=REMEDIES.get(kind, ""),
    )


MOST_NAMED = 5
REMEDIES: Final[Mapping[BackupFault, str]] = {
    BackupFault.UNPREPARED: "Run orchestrator backup prepare.",
    BackupFault.WRONG_KEY: "Compare the repository's `key` in the vault with the one that it was "
    "made with.",
    BackupFault.BROKEN: "Take the copy of another repository; back up again into this one after "
    "its disk was looked at.",
    BackupFault.NO_SPACE: "Give the server more room, or prune, and run it again.",
    BackupFault.BUSY: "Wait for the other run to end, and run it again.",
}


def _last_line(text: str) -> str:
    return " ".join(text.strip().splitlines()[-1:])[:300]


@lru_cache(maxsize=1)
def program_command() -> str:
    """Return the shell command that runs the part for hosts; a request goes to its input."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", MAIN)
        for file in sorted(ON_HOST.glob("*.py")):
            archive.writestr(f"{PACKAGE}/{file.name}", file.read_text(encoding="utf-8"))
    program = base64.b85encode(packed.getvalue()).decode()
    # Neither alphabet has a single quote.
    return f"exec python3 -c '{STARTER}' '{program}'"
