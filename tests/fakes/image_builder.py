"""A builder whose image is made of its recipe alone, as the real one's is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from orchestrator.errors import ImageError
from orchestrator.model.image_build import BuiltImage, ImageRecipe, Package
from orchestrator.ports.image_builder import BuildWatch


@dataclass
class FakeBuilder:
    """Has every package in version 1, or 2 from its `second` day on."""

    published: date = date(2026, 1, 1)
    """Of its repositories."""
    second: date = date(2026, 11, 15)
    missing: tuple[str, ...] = ()
    built: list[str] = field(default_factory=list)

    def lacks(self, recipe: ImageRecipe) -> tuple[str, ...]:
        return self.missing

    def build(self, recipe: ImageRecipe, *, file: str, watch: BuildWatch) -> BuiltImage:
        if self.published > recipe.snapshot:
            raise ImageError(f"published on {self.published}, after {recipe.snapshot}")
        watch("writing")
        version = "2:1.0+b2" if recipe.snapshot >= self.second else "1.0"
        packages = tuple(
            Package(name=name, version=version, architecture="amd64") for name in recipe.packages
        )
        content = repr((recipe, packages)).encode()
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_bytes(content)
        self.built.append(recipe.name)
        digest = hashlib.sha256(content).hexdigest()
        return BuiltImage(sha256=digest, size_bytes=len(content), packages=packages)
