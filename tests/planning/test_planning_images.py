"""How hosts and Glance stand to the declared images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.model.deploy import StoredImage
from orchestrator.model.host import HostIdentity
from orchestrator.model.image_build import CloudState, HostState
from orchestrator.model.site import Site
from orchestrator.planning.images import cloud_state, host_image
from orchestrator.spec.load import load_site

CASES = Path(__file__).parents[1] / "cases"
OTHER = "6" * 64


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(CASES / "_base").site


def told(name: str, sha256: str) -> HostIdentity:
    return HostIdentity(
        hostname="cmp-01", os_id="debian", os_version="12", image=name, sha256=sha256
    )


def with_second_image(site: Site) -> Site:
    """Return the site with two images of one system: which one is meant, only a person knows."""
    (image,) = site.system.images
    second = replace(image, name="debian-12-next", sha256=OTHER)
    return replace(site, system=replace(site.system, images=(image, second)))


def state(site: Site, name: str, sha256: str) -> HostState:
    server = site.hardware.servers[0]
    return host_image(site, server, told(name, sha256)).state


def test_a_host_is_current_by_content_not_by_name(site: Site) -> None:
    (image,) = site.system.images
    assert state(site, image.name, image.sha256.upper()) is HostState.CURRENT
    assert state(site, image.name, OTHER) is HostState.OUTDATED
    assert state(site, "another", image.sha256) is HostState.OTHER
    assert state(site, "", "") is HostState.UNRECORDED


def test_where_a_person_chose_the_image_its_own_content_counts(site: Site) -> None:
    both = with_second_image(site)
    assert state(both, "debian-12-next", OTHER) is HostState.CURRENT
    assert state(both, "debian-12", OTHER) is HostState.OUTDATED
    found = host_image(both, both.hardware.servers[0], told("gone", OTHER))
    assert found.state is HostState.UNDECLARED
    assert "debian-12, debian-12-next for debian 12" in found.reason


def test_a_silent_host_is_unknown_with_its_reason(site: Site) -> None:
    found = host_image(site, site.hardware.servers[0], "no route to host")
    assert (found.state, found.reason) == (HostState.UNKNOWN, "no route to host")
    assert found.declared == "debian-12"


def test_glance_has_an_image_only_with_the_declared_content(site: Site) -> None:
    (image,) = site.system.images
    old = StoredImage(id="1", name=image.name, sha256=OTHER)
    right = StoredImage(id="2", name=image.name, sha256=image.sha256)
    assert cloud_state(image, (old, right)) is CloudState.STORED
    assert cloud_state(image, (old,)) is CloudState.OTHER
    assert cloud_state(image, ()) is CloudState.ABSENT
    assert cloud_state(image, None) is CloudState.UNKNOWN
