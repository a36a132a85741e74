"""Build a declared image: the file, its package list and sums, and the digest in the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.compile.image_recipe import image_recipe
from orchestrator.compile.package_list import package_list
from orchestrator.errors import ImageError
from orchestrator.model.image_build import BuiltImage, ImageRecipe
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.ports import AuditLog
from orchestrator.ports.image_builder import BuildWatch, ImageBuilder

PACKAGE_LIST, SUMS = ".cdx.json", ".sha256"
"""What lies beside an image, by what is added to its name."""
NOT_DECLARED = ".new"
"""What is added to the name of an image that is not the declared one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildPorts:
    """Everything that a build needs from outside; `cli.wiring` fills it."""

    builder: ImageBuilder
    audit: AuditLog


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildWork:
    """One image, and where it goes."""

    site: Site
    directory: Path
    """The site's."""
    image: Image
    out: Path | None = None
    """Another folder than the declared one."""
    declare: bool = False
    """Write the digest into the site, whatever it declares now."""

    @property
    def file(self) -> Path:
        """Return where the image goes when it is as declared."""
        declared = self.directory / self.image.file
        return declared if self.out is None else self.out / declared.name


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildReport:
    """What was built, and where it lies."""

    image: Image
    built: BuiltImage
    file: Path
    agrees: bool
    """It is what the site declares, now that the command ends."""
    declared_in: str
    """Where the site declares its digest, as `file:line`."""

    @property
    def package_list(self) -> Path:
        """Return the list of its packages."""
        return _beside(self.file, PACKAGE_LIST)


def build_image(work: BuildWork, ports: BuildPorts, *, watch: BuildWatch) -> BuildReport:
    """Build an image. One that is not the declared one never takes the declared one's place.

    Raises:
        ImageError: it is not one that is built, this machine cannot build it, or the build failed.
    """
    recipe = buildable(work.site, work.image, ports.builder)
    draft = work.file.with_name(f"{work.file.name}{NOT_DECLARED}")
    built = ports.builder.build(recipe, file=str(draft), watch=watch)
    agrees = built.sha256 == work.image.sha256
    if work.declare and not agrees:
        declare_digest(work.directory, work.image, built.sha256)
    agrees = agrees or work.declare
    placed = agrees or work.out is not None
    file = work.file if placed else draft
    _put(work.image, recipe, built, draft=draft, file=file)
    ports.audit.append(
        act="image-build",
        facts={"image": work.image.name, "sha256": built.sha256, "agrees": agrees},
    )
    source = work.image.source.at("sha256")
    return BuildReport(
        image=work.image,
        built=built,
        file=file,
        agrees=agrees,
        declared_in=f"{source.file}:{source.line}",
    )


def buildable(site: Site, image: Image, builder: ImageBuilder) -> ImageRecipe:
    """Return the recipe of an image that can be built here.

    Raises:
        ImageError: it is brought, or this machine lacks something.
    """
    recipe = image_recipe(site, image)
    if recipe is None:
        raise ImageError(
            f"image {image.name} is brought, not built: it has no `build`",
            remedy=f"Put its content at {image.file}, or declare how it is built.",
        )
    missing = builder.lacks(recipe)
    if missing:
        raise ImageError(
            f"image {image.name} cannot be built on this machine: it lacks {', '.join(missing)}",
            remedy="Install what is missing, or build on another machine.",
        )
    return recipe


def declare_digest(directory: Path, image: Image, sha256: str) -> None:
    """Write an image's digest into the site, where its old one stands.

    Raises:
        ImageError: the old one does not stand there as it was read.
    """
    source = image.source.at("sha256")
    file = directory / source.file
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    line = lines[source.line - 1] if source.line <= len(lines) else ""
    head, rest = line[: source.column - 1], line[source.column - 1 :]
    if image.sha256 not in rest[: len(image.sha256) + 1]:
        raise ImageError(
            f"the digest of {image.name} does not stand at {source.file}:{source.line} as it was",
            remedy=f"Write it yourself: sha256: {sha256}",
        )
    lines[source.line - 1] = head + rest.replace(image.sha256, sha256, 1)
    _write(file, "".join(lines))


def _put(image: Image, recipe: ImageRecipe, built: BuiltImage, *, draft: Path, file: Path) -> None:
    """Put the list and the sums beside the place, then the image in it."""
    _write(_beside(file, PACKAGE_LIST), package_list(image, recipe, built))
    _write(_beside(file, SUMS), f"{built.sha256}  {file.name}\n")
    draft.replace(file)
    if file != draft:
        _forget([_beside(draft, PACKAGE_LIST), _beside(draft, SUMS)])


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}{ending}")


def _forget(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
