"""The list of an image's packages, as CycloneDX JSON: written with the image, read again later."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from urllib.parse import quote

from orchestrator.model.image_build import (
    BuiltImage,
    ImageRecipe,
    Package,
    PackageDifference,
    VersionChange,
)
from orchestrator.model.system import Image
from orchestrator.model.units import Json

FORMAT, VERSION = "CycloneDX", "1.5"


def package_list(image: Image, recipe: ImageRecipe, built: BuiltImage) -> str:
    """Return the list. It holds no time but the snapshot's: the same image has the same list."""
    described: dict[str, Json] = {
        "bomFormat": FORMAT,
        "specVersion": VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, built.sha256)}",
        "version": 1,
        "metadata": {
            "timestamp": f"{recipe.snapshot.isoformat()}T00:00:00Z",
            "component": {
                "type": "operating-system",
                "name": image.name,
                "version": image.os_version,
                "hashes": [{"alg": "SHA-256", "content": built.sha256}],
            },
        },
        "components": [_component(image.os_distro, one) for one in sorted(built.packages)],
    }
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def read_packages(text: str) -> tuple[Package, ...]:
    """Return the packages of a list.

    Raises:
        ValueError: it is no list of packages.
    """
    try:
        return tuple(
            Package(
                name=one["name"],
                version=one["version"],
                architecture=one["purl"].partition("?arch=")[2],
            )
            for one in json.loads(text)["components"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no {FORMAT} list of packages") from error


def difference(old: Iterable[Package], new: Iterable[Package]) -> PackageDifference:
    """Return what the new image has more, less, and in another version."""
    before, after = ({(p.name, p.architecture): p for p in each} for each in (old, new))
    return PackageDifference(
        added=tuple(after[key] for key in sorted(after.keys() - before.keys())),
        removed=tuple(before[key] for key in sorted(before.keys() - after.keys())),
        changed=tuple(
            VersionChange(name=key[0], old=before[key].version, new=after[key].version)
            for key in sorted(before.keys() & after.keys())
            if before[key].version != after[key].version
        ),
    )


def _component(distro: str, package: Package) -> dict[str, Json]:
    version = quote(package.version, safe=":~")
    purl = f"pkg:deb/{distro}/{quote(package.name)}@{version}?arch={package.architecture}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
    }
