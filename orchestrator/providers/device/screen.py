"""A switch's command line over SSH: netmiko opens it, and every answer ends with a prompt."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import paramiko
from netmiko import BaseConnection, NetmikoAuthenticationException, NetmikoTimeoutException
from netmiko.exceptions import ReadException

from orchestrator.providers.device.access import DeviceAccess, Target
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.host_keys import PinnedHostKey
from orchestrator.providers.device.shell import login_refused, private_key, silent

_PROMPT = re.compile(r"^(?:<[^\s<>]+>|\[[~*]?[^\s\[\]]+\])", re.MULTILINE)
"""`<name>` in the user view, `[name]`, `[~name]` or `[*name-vlan5]` in a system view."""
_MORE = re.compile(r"-+ ?More ?-+\s*$")
_REFUSAL = re.compile(r"^\s*(?:Error:|%)\s*(.+)$", re.MULTILINE)
"""How VRP (`Error:`) and Comware (`%`) begin the line that says no: their protocol has no code."""

BATCH = 40
"""Commands sent at a time: their echoes fit any device's input buffer."""
PAUSE_SECONDS = 0.01
SHOWN_CHARACTERS = 80


class Screen:
    """An open command line, in the user view."""

    def __init__(self, connection: BaseConnection, target: Target, seconds: float) -> None:
        """Take an open connection; each batch of commands is bounded by `seconds`."""
        self.target = target
        self.connection = connection
        self._seconds = seconds

    def ask(self, command: str) -> str:
        """Give one command; return what it printed. Raises DeviceError where it is refused."""
        return self.say([command])[0]

    def say(self, commands: Sequence[str]) -> list[str]:
        """Give commands; return what each printed.

        Raises:
            DeviceError: one is refused (the following of its batch were given all the same), or
                the device falls silent.
        """
        said: list[str] = []
        for start in range(0, len(commands), BATCH):
            batch = commands[start : start + BATCH]
            said += self._answers(batch)
            for command, answer in zip(batch, said[start:], strict=True):
                if refusal := _REFUSAL.search(answer):
                    raise DeviceError(
                        self.target.name,
                        DeviceFault.REFUSED,
                        f"refuses `{command}`: {refusal.group(1).strip()}",
                    )
        return said

    def save(self) -> None:
        """Save what runs, where the switch asks whether it may. Raises DeviceError."""
        try:
            self.connection.save_config()
        except (ReadException, OSError, EOFError) as error:
            raise silent(self.target, error, "stops in the middle of `save`") from error

    def _answers(self, batch: Sequence[str]) -> list[str]:
        deadline = time.monotonic() + self._seconds
        read = ""
        try:
            self.connection.write_channel("".join(f"{command}\n" for command in batch))
            while len(ends := _prompts_after(batch[0], read)) < len(batch):
                if time.monotonic() > deadline:
                    raise TimeoutError
                new = self.connection.read_channel()
                if not new:
                    time.sleep(PAUSE_SECONDS)
                read += new
                if _MORE.search(read):
                    read = _MORE.sub("", read)
                    self.connection.write_channel(" ")
        except (OSError, EOFError, ReadException, paramiko.SSHException) as error:
            last = " ".join(read.split())[-40:]
            raise silent(
                self.target, error, f"stops in the middle of `{batch[0]}` after `{last}`"
            ) from error
        starts = [read.find(batch[0]), *(end.end() for end in ends)]
        return [
            read[begin : end.start()].partition("\n")[2]
            for begin, end in zip(starts, ends, strict=False)
        ]


def _prompts_after(command: str, read: str) -> list[re.Match[str]]:
    """Return the prompts that follow a command's echo; one before it ends an older answer."""
    echo = read.find(command)
    return [] if echo < 0 else list(_PROMPT.finditer(read, echo + len(command)))


@contextmanager
def opened(access: DeviceAccess, target: Target, kind: type[BaseConnection]) -> Iterator[Screen]:
    """Open a command line; the host key is checked before the login is sent.

    Raises:
        DeviceError: it is silent, is another, or refuses the login.
        SecretError: the login's secret is missing.
    """
    password, key = access.secret(target)
    host, port = access.place(target)
    seconds = access.limits.connect
    connection = kind(
        host=host,
        port=port,
        username=target.login.user,
        password=password.reveal() if password else None,
        pkey=private_key(target, key) if key else None,
        use_keys=key is not None,
        conn_timeout=seconds,
        auth_timeout=seconds,
        banner_timeout=seconds,
        read_timeout_override=seconds,
        auto_connect=False,
    )
    connection.key_policy = PinnedHostKey(access.folder, target)
    try:
        _open(connection, target, f"{host}:{port}")
        connection.read_timeout_override = access.limits.command
        yield Screen(connection, target, access.limits.command)
    finally:
        # Not netmiko's disconnect: it says goodbye and waits for an answer, from the silent, too.
        # A connection that the switch has ended cannot be ended again, and what it ended with is
        # on its way up already.
        with suppress(EOFError, OSError, paramiko.SSHException):
            connection.paramiko_cleanup()


def _open(connection: BaseConnection, target: Target, place: str) -> None:
    try:
        connection.establish_connection()
        connection.write_channel(connection.RETURN)
        connection.session_preparation()
    except NetmikoAuthenticationException as error:
        raise login_refused(target) from error
    except ReadException as error:
        raise silent(target, TimeoutError(), f"at {place} shows no whole prompt") from error
    except (NetmikoTimeoutException, paramiko.SSHException, OSError, EOFError) as error:
        why = error.__context__ or error
        raise silent(target, why, f"does not answer at {place}") from error
    except ValueError as error:  # netmiko's, where what ends a line is no prompt
        raise silent(target, error, f"at {place} shows no prompt") from error


def expect_model(screen: Screen, version: str) -> None:
    """Refuse a device whose `display version` does not name the declared model.

    Raises:
        DeviceError: it does not.
    """
    words = version.casefold().split()
    declared = screen.target.model.casefold().split()
    if not all(any(word in each for each in words) for word in declared):
        told = next((line for line in version.splitlines() if "uptime" in line), version)
        raise DeviceError(
            screen.target.name,
            DeviceFault.MODEL,
            f"declared is a {screen.target.model}; what answers says: "
            f"{' '.join(told.split())[:SHOWN_CHARACTERS]}",
            remedy="Compare its address and model with the site.",
        )
