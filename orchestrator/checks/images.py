"""Checks of built images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from orchestrator.checks.index import SiteIndex
from orchestrator.checks.rule import Check, Claim, Finding, claimed_twice, error
from orchestrator.compile.image_recipe import image_repositories
from orchestrator.model.image_build import BUILDABLE
from orchestrator.model.system import Image, ImageBuild, PackageRepository

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+(:[a-z0-9-]+)?")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9@_.:-]*")
_WORD = re.compile(r"[!-~]+")
"""What stands alone in a line of apt's sources: without a blank."""


@error(
    "SW020",
    "An image cannot be built as declared",
    remedy="Correct its `build`, or bring the image and leave `build` out.",
)
def images_can_be_built(index: SiteIndex) -> Iterator[Finding]:
    """Require what building an image needs: a system that can be built, packages, sound names.

    Its repositories are its own, or those of the host baseline with the same system. The disk
    format is `raw`: that is how Glance and Ironic call both an archive of a root and a file system.
    Names of packages, units and files end as arguments of programs that run as root.
    """
    for image in index.site.system.images:
        for field, detail in _build_faults(index, image):
            yield Finding(f"{image.name}: {detail}.", image.source.at(field))


def _build_faults(index: SiteIndex, image: Image) -> Iterator[tuple[str, str]]:
    build = image.build
    if build is None:
        return
    if image.os_distro not in BUILDABLE:
        known = ", ".join(sorted(BUILDABLE))
        yield "os_distro", f"there is no builder for {image.os_distro}, only for {known}"
    if image.disk_format != "raw":
        yield "disk_format", f"a built image is raw, not {image.disk_format}"
    yield from _repository_faults(image, image_repositories(index.site, image))
    yield from _name_faults(build)


def _repository_faults(
    image: Image, repositories: Sequence[PackageRepository]
) -> Iterator[tuple[str, str]]:
    if not repositories:
        system = f"{image.os_distro} {image.os_version}"
        yield "build", f"it has no repositories, and no baseline of {system} has any"
    for repository in repositories:
        if not _is_sound(repository):
            yield "build", f"the repository {repository.name} cannot be written for apt"


def _name_faults(build: ImageBuild) -> Iterator[tuple[str, str]]:
    for number, package in enumerate(build.packages):
        if not _PACKAGE.fullmatch(package):
            yield f"build.packages.{number}", f"`{package}` is no name of a package"
    for number, unit in enumerate(build.services):
        if not _UNIT.fullmatch(unit):
            yield f"build.services.{number}", f"`{unit}` is no name of a unit"
    for path in build.files:
        if not _is_path(path):
            yield "build.files", f"`{path}` is no absolute path of a file"


def _is_sound(repository: PackageRepository) -> bool:
    words = (repository.uri, repository.suite, repository.signed_by, *repository.components)
    return all(_WORD.fullmatch(word) and "]" not in word for word in words)


def _is_path(path: str) -> bool:
    parts = path.split("/")
    return path.startswith("/") and bool(parts[-1]) and not {"", ".", ".."} & set(parts[1:])


@error("SW021", "Two built images have one file", remedy="Give each image a file of its own.")
def built_images_have_own_files(index: SiteIndex) -> Iterator[Finding]:
    """Require a built image's file to be no other image's: the build of one would replace it."""
    images = index.site.system.images
    built = {image.file for image in images if image.build is not None}
    claims = (
        Claim(image.file, image.name, image.source, "file")
        for image in images
        if image.file in built
    )
    yield from claimed_twice("The file", claims)


CHECKS: tuple[Check, ...] = (images_can_be_built, built_images_have_own_files)
