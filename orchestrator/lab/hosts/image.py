"""The system that the lab's hosts boot: Debian by mmdebstrap, made once for each recipe."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.progress import LabWatch, Step
from orchestrator.lab.this_machine import SEARCHED

SUITE = "bookworm"
DISTRO, VERSION = "debian", "12"

# What a server of a role has when it was just installed, and what playbooks need to begin.
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iputils-ping",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "rsyslog",
    "stress-ng",
    "sudo",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "tzdata",
)
# What playbooks install on database and backup hosts. The image brings it, stopped: ten hosts need
# not unpack it ten times, a minute each where they share two processors.
BROUGHT = (
    "postgresql-15",
    "postgresql-15-pgaudit",
    "postgresql-15-postgis-3",
    "postgresql-15-postgis-3-scripts",
    "python3-psycopg2",
    "rclone",
    "restic",
)
NO_CLUSTER = (
    "mkdir -p $1/etc/postgresql-common && "
    "echo create_main_cluster=false > $1/etc/postgresql-common/createcluster.conf"
)

# Of these only the files are there: no test waits for a mirror, and apt installs them as anywhere.
FETCHED = ("mariadb-server", "pgbackrest", "prometheus-node-exporter")
FETCH = (
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --no-install-recommends '
    f"--download-only install {' '.join(FETCHED)}"
)

RECIPE = (
    "mmdebstrap",
    "--variant=minbase",
    f"--include={','.join((*PACKAGES, *BROUGHT))}",
    f"--essential-hook={NO_CLUSTER}",
    '--aptopt=Acquire::Retries "3"',
    # Every host gets keys of its own; those of the image would be known to all.
    "--customize-hook=rm -f $1/etc/ssh/ssh_host_*",
    "--customize-hook=systemctl --root=$1 enable systemd-networkd ssh",
    "--customize-hook=systemctl --root=$1 disable systemd-networkd-wait-online",
    "--customize-hook=rm $1/var/cache/apt/archives/*.deb",
    f"--customize-hook={FETCH}",
    "--skip=cleanup/apt",
    SUITE,
)
BUILD_SECONDS = 1800
"""A slow mirror; on a usual line it is a minute."""


def ensure_image(store: Path, watch: LabWatch) -> Path:
    """Return the root of the image, made where the store has none of this recipe.

    A killed build leaves a draft only, which the next one removes.

    Raises:
        LabError: mmdebstrap failed; its last words are in the message.
    """
    digest = hashlib.sha256("\0".join(RECIPE).encode()).hexdigest()
    made = store / digest[:16]
    with _one_at_a_time(store):
        if not made.exists():
            watch(Step(text=f"hosts: making their image in {made} (once; this takes a minute)"))
            draft = store / f".{made.name}"
            shutil.rmtree(draft, ignore_errors=True)
            _build(draft)
            draft.rename(made)
    return made


def _build(draft: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own argument list, no shell
            [*RECIPE, str(draft)],
            env={"PATH": SEARCHED, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"the hosts' image was not made in {BUILD_SECONDS} s",
            remedy="Check the line to your Debian mirror and run the command again.",
        ) from error
    if done.returncode:
        raise LabError(
            f"the hosts' image could not be made: mmdebstrap ended with {done.returncode}\n"
            f"{done.stderr.strip()[-2000:]}",
            remedy="Check that your Debian mirror is reachable and run the command again.",
        )


@contextmanager
def _one_at_a_time(store: Path) -> Iterator[None]:
    """Let one process build; several labs may share a store."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
