"""What an image of the site is on a host of the lab: the layer under the host's own changes."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import LabError
from orchestrator.lab.hosts.image import DISTRO, VERSION
from orchestrator.lab.hosts.record import HostsRecord
from orchestrator.lab.this_machine import SEARCHED

UNPACK_SECONDS = 600

_one_at_a_time = threading.Lock()


def layer_of(record: HostsRecord, folder: Path, image: Mapping[str, str]) -> Path:
    """Return the root that an image stands for.

    An image that is a tar archive of a root file system is unpacked, once. Any other content is no
    system that nspawn could boot: the lab's own Debian stands in for it, and only for what calls
    itself that Debian.

    Raises:
        LabError: it calls itself another system, or cannot be unpacked.
    """
    content = Path(image["file"])
    if tarfile.is_tarfile(content):
        with _one_at_a_time:
            return _unpacked(folder / "layers" / image["sha256"], content)
    if (image["distro"], image["version"]) != (DISTRO, VERSION):
        raise LabError(
            f"image {image['name']} is {image['distro']} {image['version']} and holds no system "
            f"that the lab can boot (a tar archive of a root); the lab has a stand-in for {DISTRO} "
            f"{VERSION} only: deploy an image of that with --image"
        )
    return Path(record.image)


def _unpacked(layer: Path, content: Path) -> Path:
    if layer.exists():
        return layer
    draft = layer.with_name(f".{layer.name}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    command = ["tar", "--extract", "--numeric-owner", "--preserve-permissions"]
    done = subprocess.run(  # noqa: S603 - our own argument list, no shell
        [*command, "--file", str(content), "--directory", str(draft)],
        env={"PATH": SEARCHED},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=UNPACK_SECONDS,
        check=False,
    )
    if done.returncode:
        raise LabError(f"the image cannot be unpacked: {done.stderr.strip()[-500:]}")
    draft.rename(layer)
    return layer
