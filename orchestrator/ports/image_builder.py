"""The image builder port: a recipe becomes a file, the same one every time."""

from __future__ import annotations

from typing import Protocol

from orchestrator.model.image_build import BuiltImage, ImageRecipe


class BuildWatch(Protocol):
    """Whoever watches a build."""

    def __call__(self, step: str) -> None:
        """Take note of what the builder says to do now."""


class ImageBuilder(Protocol):
    """Makes images. Each build is bounded in time and leaves no process behind."""

    def lacks(self, recipe: ImageRecipe) -> tuple[str, ...]:
        """Return what this machine lacks to build it, each by name; empty where nothing."""

    def build(self, recipe: ImageRecipe, *, file: str, watch: BuildWatch) -> BuiltImage:
        """Write the image to `file`: whole, or not at all; killed, it leaves a draft beside it.

        Raises:
            ImageError: the builder failed, the disk is full, or a repository offers what is newer
                than the recipe's snapshot.
        """
