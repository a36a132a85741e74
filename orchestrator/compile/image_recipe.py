"""From a declared image to its recipe: everything that decides its content, and nothing else."""

from __future__ import annotations

from orchestrator.model.image_build import ImageRecipe
from orchestrator.model.site import Site
from orchestrator.model.system import Image, PackageRepository


def image_repositories(site: Site, image: Image) -> tuple[PackageRepository, ...]:
    """Return where the packages of an image come from; empty where the site does not say.

    Without own ones they are those that hosts of the same operating system use.
    """
    if image.build is not None and image.build.repositories:
        return image.build.repositories
    system = (image.os_distro, image.os_version)
    for baseline in site.system.host_baselines:
        if (baseline.os_distro, baseline.os_version) == system and baseline.repositories:
            return baseline.repositories
    return ()


def image_recipe(site: Site, image: Image) -> ImageRecipe | None:
    """Return the recipe of an image, or None for one that is brought."""
    build = image.build
    if build is None:
        return None
    timezone = site.identity.timezone
    return ImageRecipe(
        name=image.name,
        snapshot=build.snapshot,
        repositories=image_repositories(site, image),
        # The order in YAML means nothing.
        packages=tuple(sorted({*build.packages, "tzdata"})),
        services=tuple(sorted(set(build.services))),
        files={"/etc/timezone": f"{timezone}\n", **build.files},
        links={"/etc/localtime": f"/usr/share/zoneinfo/{timezone}"},
        form=build.form,
        size_mib=build.size_mib,
    )
