"""A switch that is played: VRP or Comware on paramiko's server side, with faults to order.

Its parser knows views and lines as the vendors' manuals tell them, and shares no code with the
compiler or the driver. It keeps a running and a startup configuration and takes changes back.
"""

from __future__ import annotations

import copy
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import paramiko

Blocks = dict[str, list[str]]
"""A configuration: top line -> the lines under it."""

FOREIGN: Blocks = {
    "aaa": ["local-user admin password irreversible-cipher $1c$not-ours$"],
    "interface MEth0/0/0": ["ip address 192.0.2.7 255.255.255.0"],
    "vlan 4000": ["name somebody-elses"],
}
NAMED_PORTS = {"80": "www", "53": "dns", "25": "smtp"}
USER, PASSWORD = "orchestrator", "switch-password"
_VIEWS = re.compile(r"(vlan \d+|acl .+|interface .+)$")
_LINES = re.compile(
    r"(name|description|rule \d+ (permit|deny)|traffic-filter|packet-filter|ip address) ?.*$"
)


@dataclass
class SwitchDouble:
    """One switch."""

    vendor: str
    """`vrp` or `comware`."""
    model: str = "CE6881-48S6CQ"
    minute_seconds: float = 60.0
    """How long a minute takes, in tests."""
    trial_seconds: float | None = None
    """How long a trial takes in truth, whatever was asked for."""
    latency_seconds: float = 0.0
    """Before each answer."""
    refuses: str = ""
    """A line that it does not know."""
    closes_at: str = ""
    """A command at which it ends the session."""
    hangs_at: str = ""
    """A command after which it says no more."""
    half_a_prompt: bool = False
    locked_out_by: str = ""
    """A line which, while it runs, keeps new connections out."""

    running: Blocks = field(default_factory=lambda: copy.deepcopy(FOREIGN))
    startup: Blocks = field(default_factory=lambda: copy.deepcopy(FOREIGN))
    name: str = "HUAWEI"
    sessions: int = 0
    commands: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._before: Blocks | None = None
        self._timer: threading.Timer | None = None
        self._open: list[paramiko.Transport] = []
        self.key = paramiko.ECDSAKey.generate()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._ending = False
        threading.Thread(target=self._serve, daemon=True).start()

    # What a test does to it

    def power_cycle(self) -> None:
        with self._lock:
            self._disarm()
            self.running = copy.deepcopy(self.startup)
        for transport in self._open:
            transport.close()

    def close(self) -> None:
        self._ending = True
        self._disarm()
        # A thread in accept() holds the socket: only a last visitor lets it go.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._socket.close()
        for transport in self._open:
            transport.close()

    @property
    def on_trial(self) -> bool:
        return self._before is not None

    # What it does

    def _serve(self) -> None:
        while not self._ending:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._ending or self._is_locked_out():
                connection.close()
                continue
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _is_locked_out(self) -> bool:
        with self._lock:
            everything = [line for lines in self.running.values() for line in lines]
        return bool(self.locked_out_by) and self.locked_out_by in everything

    def _greet(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        self._open.append(transport)
        transport.add_server_key(self.key)
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Door())
            channel = transport.accept(10)
            if channel is not None:
                self.sessions += 1
                _Session(self, channel).talk()
        transport.close()

    def commit_trial(self, candidate: Blocks, seconds: float) -> None:
        with self._lock:
            self._arm(self.trial_seconds if self.trial_seconds is not None else seconds)
            self.running = copy.deepcopy(candidate)

    def arm_delay(self, minutes: int) -> None:
        with self._lock:
            self._arm(minutes * self.minute_seconds)

    def keep(self) -> None:
        with self._lock:
            self._disarm()

    def go_back(self) -> None:
        with self._lock:
            if self._before is not None:
                self.running = self._before
            self._disarm()

    def _arm(self, seconds: float) -> None:
        if self._before is None:
            self._before = copy.deepcopy(self.running)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self.go_back)
        self._timer.daemon = True
        self._timer.start()

    def _disarm(self) -> None:
        self._before = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shown(self, blocks: Blocks) -> str:
        vlans = sorted(int(top.split()[1]) for top in blocks if top.startswith("vlan "))
        lines = ["!Software Version V200R022C00", f"sysname {self.name}", "#"]
        if self.vendor == "vrp" and vlans:
            lines += [f"vlan batch {' '.join(map(str, vlans))}", "#"]
        for top, inner in sorted(blocks.items(), reverse=True):  # in an order of its own
            if top.startswith("sysname") or (self.vendor == "vrp" and not inner):
                continue
            lines += [top, *(f" {_as_printed(line)}" for line in inner), "#"]
        return "\r\n".join([*lines, "return"])


def _as_printed(line: str) -> str:
    return re.sub(
        r"\beq (\d+)", lambda found: f"eq {NAMED_PORTS.get(found.group(1), found.group(1))}", line
    )


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return True

    def check_channel_pty_request(self, *args: object) -> bool:
        return True


class _Session:
    """One command line."""

    def __init__(self, switch: SwitchDouble, channel: paramiko.Channel) -> None:
        self._switch = switch
        self._channel = channel
        self._view: list[str] = []
        """Empty: the user view; then `system`, then a block's top line."""
        self._candidate: Blocks = {}
        self._asked = False
        """Whether it waits for a yes or a no."""

    def talk(self) -> None:
        if self._switch.half_a_prompt:
            self._send("\r\n<HUA")
            time.sleep(30)
            return
        self._send(f"\r\nInfo: The max number of VTY users is 21.\r\n{self._prompt()}")
        buffer = ""
        while True:
            new = self._channel.recv(4096)
            if not new:
                return
            buffer += new.decode().replace("\r", "\n")
            while "\n" in buffer:
                command, _, buffer = buffer.partition("\n")
                if not self._obey(command.strip()):
                    return

    def _obey(self, command: str) -> bool:
        switch = self._switch
        if command:
            switch.commands.append(command)
        if switch.closes_at and command.startswith(switch.closes_at):
            return False
        if switch.hangs_at and command.startswith(switch.hangs_at):
            self._send(f"{command}\r\n")
            time.sleep(30)
            return False
        time.sleep(switch.latency_seconds)
        if command == "save" and switch.vendor == "vrp":
            self._asked = True
            self._send(f"{command}\r\nWarning: The current configuration will be written. "
                       "Are you sure to continue? [Y/N]:")  # fmt: skip
            return True
        with switch._lock:
            answer = self._answer(command) if command else ""
        told = f"{answer}\r\n" if answer else ""
        self._send(f"{command}\r\n{told}{self._prompt()}")
        return True

    def _send(self, text: str) -> None:
        self._channel.sendall(text.encode())

    def _prompt(self) -> str:
        name = self._switch.name
        if not self._view:
            return f"<{name}>"
        inner = f"-{self._view[1].replace(' ', '-')}" if len(self._view) > 1 else ""
        changed = "*" if self._candidate != self._switch.running else "~"
        return f"[{changed if self._switch.vendor == 'vrp' else ''}{name}{inner}]"

    def _answer(self, command: str) -> str:
        if self._switch.refuses and command.startswith(self._switch.refuses):
            return self._unknown()
        if command == "return":
            self._view = []
            return ""
        if command == "quit":
            self._view = self._view[:-1]
            return ""
        if not self._view:
            return self._in_user_view(command)
        return self._in_system_view(command)

    def _unknown(self) -> str:
        mark = "Error:" if self._switch.vendor == "vrp" else " %"
        return f"{mark} Unrecognized command found at '^' position."

    def _in_user_view(self, command: str) -> str:
        switch = self._switch
        if command.startswith("screen-length"):
            return ""
        if command.startswith("display "):
            return self._displayed(command.removeprefix("display "))
        if command == "save force" or (self._asked and command.lower() == "y"):
            self._asked = False
            switch.startup = copy.deepcopy(switch.running)
            return "Info: Save the configuration successfully."
        if command == "system-view":
            self._view = ["system"]
            self._candidate = copy.deepcopy(switch.running)
            return "Enter system view, return user view with return command."
        return self._unknown()

    def _displayed(self, what: str) -> str:
        switch = self._switch
        maker = "HUAWEI" if switch.vendor == "vrp" else "H3C"
        told = {
            "version": f"{maker} {switch.model} uptime is 3 days, 2 hours",
            "current-configuration": switch.shown(switch.running),
            "saved-configuration": switch.shown(switch.startup),
        }
        if switch.vendor == "vrp":
            trial = "Trial ID: orchestrator" if switch.on_trial else "Info: No trial is running."
            told["configuration trial status"] = trial
        return told.get(what, self._unknown())

    @property
    def _edited(self) -> Blocks:
        return self._candidate if self._switch.vendor == "vrp" else self._switch.running

    def _in_system_view(self, command: str) -> str:
        switch = self._switch
        if self._commits(command):
            return ""
        if command.startswith("sysname "):
            switch.name = command.split()[1]
        elif _VIEWS.match(command) and not command.startswith("undo"):
            self._view = ["system", command]
            self._edited.setdefault(command, [])
        elif command.startswith("undo ") and len(self._view) == 1:
            if self._edited.pop(command.removeprefix("undo "), None) is None:
                return self._unknown()
        elif len(self._view) == 2:
            return self._in_block(command)
        else:
            return self._unknown()
        return ""

    def _commits(self, command: str) -> bool:
        switch, words = self._switch, command.split()
        if switch.vendor == "vrp":
            if words[:2] == ["commit", "trial"]:
                switch.commit_trial(self._candidate, float(words[2]))
            elif command == "commit persist orchestrator" and switch.on_trial:
                switch.keep()
            elif command == "abort trial persist orchestrator" and switch.on_trial:
                switch.go_back()
                self._candidate = copy.deepcopy(switch.running)
            elif command == "clear configuration candidate":
                self._candidate = copy.deepcopy(switch.running)
            else:
                return False
            return True
        if words[:3] == ["configuration", "commit", "delay"]:
            switch.arm_delay(int(words[3]))
        elif command == "configuration commit":
            switch.keep()
        else:
            return False
        return True

    def _in_block(self, command: str) -> str:
        lines = self._edited[self._view[1]]
        undoes = command.startswith("undo ")
        plain = command.removeprefix("undo ")
        if not undoes and not _LINES.match(plain):
            return self._unknown()
        rule = re.match(r"rule \d+", plain)
        single = re.match(r"name|description", plain)
        start = rule.group(0) + " " if rule else single.group(0) if single else plain
        kept = [line for line in lines if not f"{line} ".startswith(start)]
        if undoes and len(kept) == len(lines):
            return self._unknown()
        if not undoes:
            kept.append(plain)
        lines[:] = sorted(kept, key=_rule_number)
        return ""


def _rule_number(line: str) -> int:
    found = re.match(r"rule (\d+)", line)
    return int(found.group(1)) if found else 0


@contextmanager
def switch_double(vendor: str, **how: object) -> Iterator[SwitchDouble]:
    """Start a switch, and take it away in any case."""
    switch = SwitchDouble(vendor, **how)  # type: ignore[arg-type] # its own fields
    try:
        yield switch
    finally:
        switch.close()
