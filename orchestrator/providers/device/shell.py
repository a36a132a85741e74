"""SSH to a Linux device: commands with their exit status, no screen to scrape."""

from __future__ import annotations

import io
import logging
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import NoValidConnectionsError

from orchestrator.errors import SecretError
from orchestrator.model.units import Secret
from orchestrator.providers.device.access import DeviceAccess, SshTarget
from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.host_keys import PinnedHostKey

# paramiko reports lost connections to its log as well as to us; without a handler Python would
# print that between the lines of a plan.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

LARGEST_ANSWER_BYTES = 16 << 20
SHOWN_CHARACTERS = 400
"""Of what a device says when it refuses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


class Shell:
    """A connection to one Linux device."""

    def __init__(self, client: paramiko.SSHClient, target: SshTarget, seconds: float) -> None:
        """Take an open connection; every command is bounded by `seconds`."""
        self.target = target
        self._client = client
        self._seconds = seconds

    def run(self, command: str, *, given: str = "") -> str:
        """Run a shell command as root, with `given` as its input; return what it printed.

        Secrets and configurations go through the input, where `ps` on the device shows nothing.

        Raises:
            DeviceError: it failed, or did not end in time.
        """
        return self.succeeded(command, self.ask(command, given=given))

    def succeeded(self, command: str, ended: Ended) -> str:
        """Return what a command printed. Raises DeviceError where it failed."""
        if ended.status != 0:
            said = " ".join((ended.err or ended.out).split())[:SHOWN_CHARACTERS]
            raise DeviceError(
                self.target.name,
                DeviceFault.REFUSED,
                f"`{command.strip().splitlines()[0][:60]}` ended with {ended.status}: {said}",
            )
        return ended.out

    def ask(self, command: str, *, given: str = "") -> Ended:
        """Run a command and return how it ended. Raises DeviceError where it does not end."""
        deadline = time.monotonic() + self._seconds
        try:
            transport = self._client.get_transport()
            if transport is None:
                raise EOFError
            with transport.open_session(timeout=self._seconds) as channel:
                channel.settimeout(self._seconds)
                channel.exec_command(as_root(command))
                if given:
                    channel.sendall(given.encode())
                channel.shutdown_write()
                out = _all(channel, channel.recv, deadline)
                err = _all(channel, channel.recv_stderr, deadline)
                if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                return Ended(status=channel.exit_status, out=out, err=err)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise silent(self.target, error, "broke off in the middle of a command") from error


def as_root(command: str) -> str:
    """Return a command that root runs, whoever logged in."""
    # Given once: Linux takes no argument of 128 KiB, and some commands bring a program along.
    given = f"c={shlex.quote(command)}"
    return f'{given}; [ "$(id -u)" = 0 ] && exec sh -c "$c" || exec sudo -n sh -c "$c"'


def _all(channel: paramiko.Channel, receive: object, deadline: float) -> str:
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)
        part = receive(65536)  # type: ignore[operator] # one of the channel's two readers
        if not part:
            return b"".join(parts).decode("utf-8", "replace")
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER_BYTES:
            raise paramiko.SSHException(f"more than {LARGEST_ANSWER_BYTES} bytes were answered")


@contextmanager
def connected(access: DeviceAccess, target: SshTarget) -> Iterator[Shell]:
    """Connect by SSH; the host key is checked before the login is sent.

    Raises:
        DeviceError: it is silent, is another, or refuses the login.
        SecretError: the login's secret is missing.
    """
    with ssh_client(access, target) as client:
        yield Shell(client, target, access.limits.command)


@contextmanager
def ssh_client(access: DeviceAccess, target: SshTarget) -> Iterator[paramiko.SSHClient]:
    """Connect by SSH and hand out paramiko's client. Raises as `connected` does."""
    password, key = access.secret(target)
    host, port = access.place(target)
    seconds = access.limits.connect
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(PinnedHostKey(access.folder, target))
    begun = time.monotonic()
    try:
        client.connect(
            host,
            port,
            username=target.login.user,
            password=password.reveal() if password else None,
            pkey=private_key(target, key) if key else None,
            look_for_keys=False,
            allow_agent=False,
            timeout=seconds,
            banner_timeout=seconds,
            auth_timeout=seconds,
        )
    except paramiko.AuthenticationException as error:
        # paramiko says the same of three things: refused, cut off, and no answer in time.
        late = time.monotonic() - begun >= seconds
        transport = client.get_transport()
        cut_off = transport is None or not transport.is_active()
        client.close()
        if late:
            raise silent(target, TimeoutError(), f"at {host}:{port} says no more") from error
        raise login_cut_off(target) if cut_off else login_refused(target) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        raise silent(target, error, f"does not answer at {host}:{port}") from error
    except BaseException:
        client.close()
        raise
    try:
        yield client
    finally:
        client.close()


def login_refused(target: SshTarget) -> DeviceError:
    """Return the error of a login that is not accepted."""
    return DeviceError(
        target.name,
        DeviceFault.LOGIN,
        f"refuses the login of {target.login.user}",
        remedy="Compare the device's account with `login` in the site and its stored secret.",
    )


def login_cut_off(target: SshTarget) -> DeviceError:
    """Return the error of a device that ends the connection where others refuse a login."""
    return DeviceError(
        target.name,
        DeviceFault.LOGIN,
        f"ends the connection when {target.login.user} logs in",
        remedy="It may be starting still (/run/nologin), or its rules for accounts keep the user "
        "out: its own log says which.",
    )


def silent(target: SshTarget, error: BaseException, what: str) -> DeviceError:
    """Return the error of a device that does not answer, or not to the end."""
    if isinstance(error, NoValidConnectionsError):  # one for each address that was tried
        error = next(iter(error.errors.values()))
    late = isinstance(error, TimeoutError | socket.timeout)
    said = error.strerror if isinstance(error, OSError) else str(error)
    why = "timed out" if late else said or type(error).__name__
    return DeviceError(target.name, DeviceFault.SILENT, f"{what} ({why})")


def private_key(target: SshTarget, secret: Secret) -> paramiko.PKey:
    """Read a private key. Raises SecretError where the text is none that is known."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(secret.reveal()))
        except (paramiko.SSHException, ValueError):
            continue  # the next kind; none of them is the error below
    raise SecretError(
        f"the private key of {target.name} is none that can be read",
        remedy="Store an Ed25519, ECDSA or RSA key without a passphrase.",
    )
