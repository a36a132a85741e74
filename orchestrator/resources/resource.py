"""The one door between typed arguments and a Pulumi resource of our package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import pulumi

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Args = TypeVar("Args", bound="DataclassInstance")


class GovCloudResource(pulumi.CustomResource, Generic[Args]):
    """A resource of the package `govcloud`; its arguments are a dataclass beside the class."""

    kind: ClassVar[str]
    """`SERVICE:Kind`, as the provider knows it."""
    computed: ClassVar[tuple[str, ...]] = ()
    """Outputs that are not inputs as well."""

    def __init__(self, name: str, args: Args, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the resource; `name` is `THING` or `THING#PART`."""
        inputs = {field.name: getattr(args, field.name) for field in fields(args)}
        super().__init__(f"govcloud:{self.kind}", name, inputs | dict.fromkeys(self.computed), opts)


def owner_tags(*, site: str, stack: str, thing: str) -> list[str]:
    """Return the tags that say who owns an object; Keystone allows no `/` in them."""
    return [
        f"{key}:{value.replace('/', '.')}"
        for key, value in sorted({"site": site, "stack": stack, "thing": thing}.items())
    ]


def after(*resources: pulumi.Resource | None) -> pulumi.ResourceOptions:
    """Return options that make a resource wait for others which it does not name."""
    return pulumi.ResourceOptions(depends_on=_present(resources))


def _present(resources: Iterable[pulumi.Resource | None]) -> list[pulumi.Resource]:
    return [resource for resource in resources if resource is not None]
