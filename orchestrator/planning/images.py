"""Decide how images and hosts stand to what is declared."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.model.deploy import StoredImage
from orchestrator.model.hardware import Server
from orchestrator.model.host import HostIdentity
from orchestrator.model.image_build import CloudState, HostImage, HostState
from orchestrator.model.site import Site
from orchestrator.model.system import Image
from orchestrator.planning.deploy import declared_image, stored_image


def cloud_state(image: Image, images: Sequence[StoredImage] | None) -> CloudState:
    """Return whether Glance has the declared content; `images` is None where it did not answer."""
    if images is None:
        return CloudState.UNKNOWN
    found = stored_image(image, images)
    if found is None:
        return CloudState.ABSENT
    return CloudState.STORED if found.sha256 == image.sha256.lower() else CloudState.OTHER


def host_image(site: Site, server: Server, told: HostIdentity | str) -> HostImage:
    """Return what a host runs; `told` is what it says of itself, or why it says nothing."""
    declared = declared_image(site, server, None)
    name = declared.name if isinstance(declared, Image) else ""
    if isinstance(told, str):
        return HostImage(host=server.name, state=HostState.UNKNOWN, declared=name, reason=told)
    state = _state(site, declared, told)
    return HostImage(
        host=server.name,
        state=state,
        declared=name,
        image=told.image,
        sha256=told.sha256,
        reason=declared if state is HostState.UNDECLARED and isinstance(declared, str) else "",
    )


def _state(site: Site, declared: Image | str, told: HostIdentity) -> HostState:
    if not told.image:
        return HostState.UNRECORDED
    if isinstance(declared, Image) and told.image != declared.name:
        return HostState.OTHER
    # Where several images fit the role, a person chose one when it was deployed.
    named = next((image for image in site.system.images if image.name == told.image), None)
    if named is None:
        return HostState.UNDECLARED
    same = told.sha256.lower() == named.sha256.lower()
    return HostState.CURRENT if same else HostState.OUTDATED
