"""A Linux device's way back: a job on the device itself that undoes what nobody confirmed.

Whether a job still counts is told by one file, `ID.armed`. Confirming and firing both rename it,
and the kernel lets only one of them succeed.
"""

from __future__ import annotations

from orchestrator.providers.device.faults import DeviceError, DeviceFault
from orchestrator.providers.device.shell import Shell

FOLDER = "/run/orchestrator"
"""Gone after a power loss, as it should be: then the old startup configuration runs."""

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
        f"{restore.rstrip()}\n"
    )
    shell.run(
        f"umask 077; mkdir -p {FOLDER} && find {FOLDER} -type f ! -name '{push}.*' -delete"
        f" && cat > {FOLDER}/{push}.restore && : > {FOLDER}/{push}.armed",
        given=script,
    )
    start = _START.replace("SECONDS", str(seconds)).replace("FOLDER", FOLDER).replace("ID", push)
    shell.run(start)


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


def fire_all(shell: Shell) -> None:
    """Go back from every push that nobody confirmed."""
    for push in armed(shell):
        fire(shell, push)
