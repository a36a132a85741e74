"""Images as they are: declared, in their files, in Glance, on hosts, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestrator.compile.package_list import read_packages
from orchestrator.errors import CloudError, HostError, ImageError
from orchestrator.model.deploy import StoredImage
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostIdentity
from orchestrator.model.image_build import (
    CloudState,
    FileState,
    HostImage,
    ImageReport,
    ImageStatus,
    Package,
)
from orchestrator.model.names import did_you_mean
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.planning.images import cloud_state, host_image
from orchestrator.ports.deploy import Deployer
from orchestrator.ports.host import Hosts
from orchestrator.workflows.deploy import LOOKS_AT_ONCE, identity_of
from orchestrator.workflows.image_build import PACKAGE_LIST

StoredImages = Callable[[], Sequence[StoredImage]]


def image_report(
    site: Site, directory: Path, deployer: Deployer, *, asked: tuple[Server, ...], hosts: Hosts
) -> ImageReport:
    """Return how the declared images are, and what the `asked` servers run.

    A cloud or a host that does not answer is unknown, with the reason.
    """
    try:
        stored: Sequence[StoredImage] | None = deployer.images()
        fault = ""
    except CloudError as error:
        stored, fault = None, error.message
    files = {image.file: _digest(directory / image.file) for image in site.system.images}
    return ImageReport(
        images=tuple(
            image_status(image, files[image.file], cloud_state(image, stored))
            for image in site.system.images
        ),
        hosts=_host_images(site, asked, hosts),
        hosts_asked=bool(asked),
        cloud_fault=fault,
    )


def image_status(image: Image, found: str | FileState, cloud: CloudState) -> ImageStatus:
    """Return how an image is; `found` is its file's digest, or why it has none."""
    if isinstance(found, FileState):
        return ImageStatus(image=image, file=found, cloud=cloud)
    state = FileState.AGREES if found == image.sha256 else FileState.DIFFERS
    return ImageStatus(image=image, file=state, found_sha256=found, cloud=cloud)


def file_digest(directory: Path, image: Image) -> str | FileState:
    """Return the SHA-256 of an image's file, or why there is none."""
    return _digest(directory / image.file)


def named_image(site: Site, name: str) -> Image:
    """Return one image of the site.

    Raises:
        ImageError: it is not declared.
    """
    images = {image.name: image for image in site.system.images}
    if name not in images:
        raise ImageError(f"the site declares no image `{name}`.{did_you_mean(name, images)}")
    return images[name]


def packages_of(site: Site, directory: Path, named: str) -> tuple[Package, ...]:
    """Return the packages of an image of the site, or of a package list given as a file.

    Raises:
        ImageError: there is no such image, no list beside it, or it cannot be read.
    """
    given = Path(named)
    if named.endswith(PACKAGE_LIST):
        return read_list(given)
    image = named_image(site, named)
    return read_list(package_list_of(directory, image))


def package_list_of(directory: Path, image: Image) -> Path:
    """Return where the list of an image's packages lies, if there is one."""
    return directory / f"{image.file}{PACKAGE_LIST}"


def read_list(file: Path) -> tuple[Package, ...]:
    """Read a list of packages.

    Raises:
        ImageError: it cannot be read.
    """
    try:
        return read_packages(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImageError(
            f"the package list {file} cannot be read ({error.strerror})",
            remedy="`orchestrator image build` writes it; a brought image has none.",
        ) from error
    except ValueError as error:
        raise ImageError(f"{file}: {error}") from error


def _host_images(site: Site, servers: Sequence[Server], hosts: Hosts) -> tuple[HostImage, ...]:
    def ask(server: Server) -> HostIdentity | str:
        try:
            return identity_of(server, hosts)
        except HostError as error:
            return error.message

    with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="host") as pool:
        told = list(pool.map(ask, servers))
    return tuple(host_image(site, *each) for each in zip(servers, told, strict=True))


def _digest(file: Path) -> str | FileState:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError:
        return FileState.MISSING
    except OSError:
        return FileState.UNREADABLE
