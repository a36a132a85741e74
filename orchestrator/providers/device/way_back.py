"""A Linux device's way back: a job on the device itself that undoes what nobody confirmed.

Whether a job still counts is told by one file, `ID.armed`. Confirming and firing both rename it,
and the kernel lets only one of them succeed. What changes the device holds the lock `ID.lock`, and
so does what undoes it: neither works into the other.
"""

from __future__ import annotations

from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.shell import Ended, Shell

FOLDER = "/run/orchestrator"
"""Gone after a power loss, as it should be: then the old startup configuration runs."""

LOAD_SECONDS = 30
"""The job waits so long for a command that is changing the device, and then goes back anyway."""

GONE_BACK = 75
"""Exit status of a command that was not run; sysexits.h calls it a temporary failure."""

_START = """
if [ -d /run/systemd/system ] \
   && [ "$(readlink /proc/1/ns/net)" = "$(readlink /proc/self/ns/net)" ] \
   && [ "$(readlink /proc/1/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ]; then
  systemd-run --quiet --collect --unit=orchestrator-ID --on-active=SECONDS \
    --timer-property=AccuracySec=1s /bin/sh FOLDER/ID.restore
else
  setsid sh -c 'n=SECONDS; while [ $n -gt 0 ] && [ -e FOLDER/ID.armed ]; do
    sleep 1; n=$((n-1)); done; exec sh FOLDER/ID.restore' </dev/null >/dev/null 2>&1 &
fi
"""
"""A systemd that runs another network namespace than ours would restore the wrong one."""


def arm(shell: Shell, push: str, *, restore: str, seconds: int) -> None:
    """Start the job that runs the commands `restore` in so many seconds, unless disarmed."""
    script = (
        f"mv {FOLDER}/{push}.armed {FOLDER}/{push}.fired 2>/dev/null || exit 0\n"
        f"{_lock(push)}\n"
        f"{restore.rstrip()}\n"
    )
    shell.run(
        f"umask 077; mkdir -p {FOLDER} && find {FOLDER} -type f ! -name '{push}.*' -delete"
        f" && cat > {FOLDER}/{push}.restore && : > {FOLDER}/{push}.armed",
        given=script,
    )
    start = _START.replace("SECONDS", str(seconds)).replace("FOLDER", FOLDER).replace("ID", push)
    shell.run(start)


def load(shell: Shell, push: str, command: str, *, given: str) -> Ended:
    """Run a command that changes the device, while the way back is armed and only then.

    A line may stall the session that it came by for longer than the job waits. What is said after
    that would stay, with nothing left to undo it.

    Raises:
        DeviceError: the device has gone back already; the command was not run.
    """
    still = f"{_lock(push)} && [ -e {FOLDER}/{push}.armed ] || exit {GONE_BACK}"
    ended = shell.ask(f"{still}\n{command}", given=given)
    if ended.status == GONE_BACK:
        raise DeviceError(
            shell.target.name,
            DeviceFault.SILENT,
            "was cut off while it was being changed, longer than it waits",
        )
    return ended


def _lock(push: str) -> str:
    return f"exec 9>{FOLDER}/{push}.lock && flock -w {LOAD_SECONDS} 9"


def disarm(shell: Shell, push: str) -> None:
    """Confirm a push. A timer of systemd's would find nothing to do; it is stopped all the same.

    Raises:
        DeviceError: the job was faster, and the device has gone back.
    """
    moved = shell.ask(
        f"mv {FOLDER}/{push}.armed {FOLDER}/{push}.confirmed || exit 1\n"
        f"rm -f {FOLDER}/{push}.*\n"
        f"[ ! -d /run/systemd/system ] || systemctl stop orchestrator-{push}.timer 2>/dev/null\n"
        "exit 0"
    )
    if moved.status != 0:
        raise DeviceError(
            shell.target.name,
            DeviceFault.REFUSED,
            "the confirmation came too late: the device has taken the change back by itself",
        )


def fire(shell: Shell, push: str) -> None:
    """Go back now; nothing happens where the job was faster, or was never armed.

    How the job ended is not asked: vtysh, for one, minds lines that are gone already. What the
    device runs afterwards is read and judged.
    """
    shell.ask(f"[ ! -e {FOLDER}/{push}.restore ] || sh {FOLDER}/{push}.restore")


def armed(shell: Shell) -> tuple[str, ...]:
    """Return the pushes that are armed: of a run that was killed."""
    found = shell.run(f"cd {FOLDER} 2>/dev/null && ls | grep '\\.armed$' || true")
    return tuple(line.removesuffix(".armed") for line in found.split())


def fire_all(shell: Shell) -> bool:
    """Go back from every push that nobody confirmed; return whether there was one."""
    pushes = armed(shell)
    for push in pushes:
        fire(shell, push)
    return bool(pushes)
