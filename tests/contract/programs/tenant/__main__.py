"""Declares what the slice lists: kind, name, inputs, references to others, options."""

import json

import pulumi


class Listed(pulumi.CustomResource):
    address: pulumi.Output[str]
    password: pulumi.Output[str]

    def __init__(self, entry: dict, made: dict) -> None:
        inputs = {"name": entry["name"], **entry.get("inputs", {})}
        for attribute, (other, output) in entry.get("refs", {}).items():
            inputs[attribute] = getattr(made[other], output)
        for attribute in entry.get("secret", ()):
            inputs[attribute] = pulumi.Output.secret(inputs[attribute])
        options = pulumi.ResourceOptions(
            depends_on=[made[other] for other in entry.get("depends_on", ())],
            parent=made.get(entry.get("parent")),
            **entry.get("options", {}),
        )
        outputs = {"address": None, "password": None, "generation": None}
        super().__init__(entry["kind"], entry["name"], {**inputs, **outputs}, options)


class Group(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("govcloud:memory:Group", name)
        self.register_outputs({"named": name})


made: dict[str, pulumi.Resource] = {}
sliced = json.loads(pulumi.Config("govcloud").require("slice"))
for entry in sliced["resources"]:
    group = entry.get("kind") == "group"
    made[entry["name"]] = Group(entry["name"]) if group else Listed(entry, made)
for output, (name, attribute) in sliced.get("exports", {}).items():
    pulumi.export(output, getattr(made[name], attribute))
if sliced.get("raise"):
    raise RuntimeError(sliced["raise"])
