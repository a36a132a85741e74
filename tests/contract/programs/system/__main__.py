"""Uses the feature that the slice names: one that the embedded engine refuses."""

import json
from collections.abc import Callable

import pulumi

THING = "govcloud:memory:Thing"


class Thing(pulumi.CustomResource):
    def __init__(self, name: str, options: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(THING, name, {"name": name}, options)


class Cloud(pulumi.ProviderResource):
    def __init__(self) -> None:
        super().__init__("govcloud", "mine")


class Remote(pulumi.ComponentResource):
    def __init__(self) -> None:
        super().__init__("govcloud:memory:Remote", "remote", {}, None, remote=True)


class Unknown(pulumi.CustomResource):
    def __init__(self) -> None:
        super().__init__("govcloud:memory:Nonsense", "unknown", {})


def with_option(**option: object) -> Callable[[], None]:
    return lambda: Thing("a", pulumi.ResourceOptions(**option))


def replaced_with() -> None:
    Thing("a", pulumi.ResourceOptions(replace_with=[Thing("b")]))


def deleted_with() -> None:
    Thing("a", pulumi.ResourceOptions(deleted_with=Thing("b")))


def twice() -> None:
    Thing("a")
    Thing("a")


FEATURES: dict[str, Callable[[], object]] = {
    "aliases": with_option(aliases=[pulumi.Alias(name="before")]),
    "import_": with_option(import_="id-7"),
    "custom_timeouts": with_option(custom_timeouts=pulumi.CustomTimeouts(create="5m")),
    "replace_on_changes": with_option(replace_on_changes=["name"]),
    "retain_on_delete": with_option(retain_on_delete=True),
    "ignore_changes path": with_option(ignore_changes=["tags[0]"]),
    "transforms": with_option(transforms=[lambda arguments: None]),
    "hooks": lambda: pulumi.ResourceHook("hook", lambda arguments: None),
    "replace_with": replaced_with,
    "deleted_with": deleted_with,
    "provider": Cloud,
    "remote": Remote,
    "unknown type": Unknown,
    "invoke": lambda: pulumi.runtime.invoke("govcloud:memory:lookup", {}),
    "stack reference": lambda: pulumi.StackReference("organization/tenant/other"),
    "get": with_option(id="id-7"),
    "asset": lambda: pulumi.CustomResource(THING, "a", {"file": pulumi.StringAsset("text")}),
    "stack transform": lambda: pulumi.runtime.register_resource_transform(lambda arguments: None),
    "version": lambda: pulumi.require_pulumi_version(">=3"),
    "twice": twice,
    "logged error": lambda: pulumi.log.error("the slice makes no sense"),
    "exception": lambda: 1 / 0,
}

FEATURES[json.loads(pulumi.Config("govcloud").require("slice"))["feature"]]()
