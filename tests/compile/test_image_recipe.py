"""From the declared image to its recipe, and from the built one to its list."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from orchestrator.compile.image_recipe import image_recipe, image_repositories
from orchestrator.compile.package_list import difference, package_list, read_packages
from orchestrator.model.image_build import BuiltImage, ImageRecipe, Package, VersionChange
from orchestrator.model.site import Site
from orchestrator.model.system import Image, ImageBuild, PackageRepository
from orchestrator.spec.load import load_site

CASES = Path(__file__).parents[1] / "cases"
MIRROR = PackageRepository(name="mirror", uri="http://10.9.0.5/debian", suite="bookworm")
OWN = replace(MIRROR, name="own")
LIBC = Package(name="libc6", version="2.36-9+deb12u13", architecture="amd64")


@pytest.fixture(scope="module")
def site() -> Site:
    """Return the small city, whose hosts have a mirror."""
    site = load_site(CASES / "_base").site
    baselines = tuple(replace(one, repositories=(MIRROR,)) for one in site.system.host_baselines)
    return replace(site, system=replace(site.system, host_baselines=baselines))


@pytest.fixture
def image(site: Site) -> Image:
    build = ImageBuild(snapshot=date(2026, 11, 1), packages=("sudo", "openssh-server", "sudo"))
    return replace(site.system.images[0], build=build)


def recipe_of(site: Site, image: Image) -> ImageRecipe:
    recipe = image_recipe(site, image)
    assert recipe is not None
    return recipe


def test_an_image_without_repositories_has_those_of_its_systems_hosts(
    site: Site, image: Image
) -> None:
    assert image_repositories(site, image) == (MIRROR,)
    assert image_repositories(site, replace(image, os_version="13")) == ()
    assert image.build is not None
    own = replace(image, build=replace(image.build, repositories=(OWN,)))
    assert image_repositories(site, own) == (OWN,)


def test_the_order_in_yaml_is_no_part_of_the_recipe(site: Site, image: Image) -> None:
    assert image.build is not None
    turned = replace(image, build=replace(image.build, packages=("openssh-server", "sudo")))
    assert recipe_of(site, image) == recipe_of(site, turned)
    assert recipe_of(site, image).packages == ("openssh-server", "sudo", "tzdata")


def test_the_time_zone_is_the_sites(site: Site, image: Image) -> None:
    recipe = recipe_of(site, image)
    assert recipe.links["/etc/localtime"] == "/usr/share/zoneinfo/Asia/Shanghai"
    assert recipe.files["/etc/timezone"] == "Asia/Shanghai\n"


def test_the_snapshots_day_ends_at_midnight_utc(site: Site, image: Image) -> None:
    recipe = recipe_of(site, image)
    assert recipe.epoch == datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    assert recipe.published_before == datetime(2026, 11, 2, tzinfo=UTC)


def test_a_brought_image_has_no_recipe(site: Site) -> None:
    assert image_recipe(site, site.system.images[0]) is None


def test_the_list_is_read_as_it_was_written(site: Site, image: Image) -> None:
    packages = (LIBC, Package(name="tzdata", version="2:2026b", architecture="all"))
    built = BuiltImage(sha256="5" * 64, size_bytes=1, packages=packages)
    text = package_list(image, recipe_of(site, image), built)
    assert read_packages(text) == packages
    assert text == package_list(image, recipe_of(site, image), built)
    described = json.loads(text)
    assert described["bomFormat"] == "CycloneDX"
    assert described["components"][0]["purl"] == (
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64"
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"components": [{"name": "x"}]}', "null"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_packages(text)


def test_a_package_of_two_architectures_is_two() -> None:
    foreign = replace(LIBC, architecture="i386")
    newer = replace(LIBC, version="2.36-9+deb12u14")
    found = difference([LIBC, foreign], [newer])
    assert found.removed == (foreign,)
    assert found.added == ()
    assert found.changed == (VersionChange(name="libc6", old=LIBC.version, new=newer.version),)
