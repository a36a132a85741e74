"""Neutron: a security group that owns its rules as one set."""

from __future__ import annotations

from ipaddress import ip_network
from typing import ClassVar

from orchestrator.model.slices import RuleSlice
from orchestrator.model.units import Json
from orchestrator.ports.provider import Properties
from orchestrator.providers.attributes import Attribute, text_set
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME, TAGS
from orchestrator.providers.openstack.network import OF_PROJECT, NeutronKind
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare

ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


def rules(value: Json) -> Json:
    """Read a set of rules in their written form (`RuleSlice.parse`)."""
    written = text_set(value)
    return [*sorted(str(RuleSlice.parse(str(rule))) for rule in _list(written))]


DEFAULT = "default"
"""The group of a machine that asks for none."""


class SecurityGroupKind(NeutronKind):
    """A security group. Its rules are part of it: one that nobody declared is drift.

    A new group of Neutron's lets everything out; those two rules go with the first bring-up.
    """

    kind = declare("network:SecurityGroup", holds=False, replace_on={"project_id"})
    attributes: ClassVar = {
        "name": NAME,
        "project_id": OF_PROJECT,
        "rules": Attribute(read=rules, meaning="`flow: ingress tcp 443 from 10.1.0.0/16`"),
        "description": DESCRIPTION,
        "tags": TAGS,
    }
    path, singular, plural = "/security-groups", "security_group", "security_groups"
    fields: ClassVar = {n: n for n in ("name", "project_id", "description", "tags")}

    def find(self, inputs: Properties, *, fresh: bool = False) -> Row | None:
        """Find by name in the project. Its `default` is made by Neutron when somebody asks for it.

        Asking is a list of the project's groups; a POST of that name is refused.
        """
        row = super().find(inputs, fresh=fresh)
        if row is not None or inputs["name"] != DEFAULT or "project_id" not in inputs:
            return row
        self.cloud.service("network").pages(
            self.path, self.plural, project_id=inputs["project_id"], name=DEFAULT
        )
        return super().find(inputs, fresh=True)

    def properties(self, row: Row) -> dict[str, Json]:
        """Return the row with its rules in their written form."""
        written = {_written(rule) for rule in row["security_group_rules"]}
        return {**super().properties(row), "rules": [*sorted(written)]}

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Change the fields, then bring the rules to the declared set with one POST."""
        super().change(resource_id, changed, inputs)
        if "rules" in changed:
            self._bring_rules(resource_id, {str(rule) for rule in _list(inputs["rules"])}, inputs)

    def _bring_rules(self, group_id: str, wanted: set[str], inputs: Properties) -> None:
        rest = self.cloud.service("network")
        group = self.rows.by_id(group_id) or rest.get(f"{self.path}/{group_id}")[self.singular]
        there: list[Row] = group["security_group_rules"]
        missing = sorted(wanted - {_written(rule) for rule in there})
        undeclared = [rule for rule in there if _written(rule) not in wanted]
        # Neutron refuses a second rule for the same traffic, whatever its description says: a
        # rule whose flow only got another name goes before the new one is made.
        passes = {_passes(rule) for rule in missing}
        first = [rule for rule in undeclared if _passes(_written(rule)) in passes]
        for rule in first:
            rest.delete(f"/security-group-rules/{rule['id']}")
        made = self._make(group_id, missing, inputs)
        for rule in undeclared:
            if rule not in first:
                rest.delete(f"/security-group-rules/{rule['id']}")
        kept = [rule for rule in there if _written(rule) in wanted]
        self.rows.put({**group, "security_group_rules": kept + made})

    def _make(self, group_id: str, missing: list[str], inputs: Properties) -> list[Row]:
        """Make rules with one request; without an answer, look whether they are there."""
        if not missing:
            return []
        rest = self.cloud.service("network")
        owner: dict[str, Json] = {"security_group_id": group_id}
        if "project_id" in inputs:
            owner["project_id"] = inputs["project_id"]
        body = [owner | _fields(RuleSlice.parse(rule)) for rule in missing]
        answer = rest.once(
            lambda: rest.post("/security-group-rules", {"security_group_rules": body}),
            lambda: self._with_rules(group_id, set(missing)),
        )
        made: list[Row] = answer["security_group_rules"]
        return [rule for rule in made if _written(rule) in missing]

    def _with_rules(self, group_id: str, wanted: set[str]) -> Row | None:
        """Return the group where it has every wanted rule already."""
        row: Row = self.cloud.service("network").get(f"{self.path}/{group_id}")[self.singular]
        there = {_written(rule) for rule in row["security_group_rules"]}
        return row if wanted <= there else None


def _fields(rule: RuleSlice) -> dict[str, Json]:
    """Return a rule as Neutron's fields; the flow that asked for it is its description."""
    return {
        "description": rule.flow,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": None if rule.protocol == "any" else rule.protocol,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
        "remote_ip_prefix": rule.remote_prefix,
    }


def _written(row: Row) -> str:
    """Return one of Neutron's rules in the written form; one to a group shows the group's id."""
    ethertype = str(row["ethertype"])
    remote = row["remote_ip_prefix"] or (
        f"group-{row['remote_group_id']}" if row["remote_group_id"] else ANYWHERE[ethertype]
    )
    if not row["remote_group_id"]:
        remote = str(ip_network(remote))
    rule = RuleSlice(
        flow=row["description"] or "undeclared",
        direction=row["direction"],
        ethertype=ethertype,
        protocol=row["protocol"] or "any",
        port_min=row["port_range_min"],
        port_max=row["port_range_max"],
        remote_prefix=remote,
    )
    return str(rule)


def _passes(written: str) -> str:
    """Return what a written rule lets pass, without the flow that asked for it."""
    return written.rpartition(": ")[2]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
