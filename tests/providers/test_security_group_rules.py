"""The rules of a security group are brought to the declared set past Neutron's own refusals."""

from __future__ import annotations

from typing import Any

from orchestrator.providers.openstack.refusals import ConflictError
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.openstack.security_group import SecurityGroupKind


class Neutron:
    """One group; a second rule for the same traffic is refused, whatever its description."""

    def __init__(self, *rules: Row) -> None:
        self.rules = {f"rule-{number}": dict(rule) for number, rule in enumerate(rules)}

    # Of the cloud.

    def service(self, _name: str) -> Neutron:
        return self

    def bulk(self, *_place: str, **_settings: Any) -> Neutron:
        return self

    # Of the list.

    def by_id(self, row_id: str) -> Row:
        rules = [{"id": key, **rule} for key, rule in self.rules.items()]
        return {"id": row_id, "security_group_rules": rules}

    def put(self, row: Row) -> None:
        self.noted = row

    # Of the service.

    def once(self, post: Any, _find: Any) -> Row:
        return post()

    def post(self, _path: str, body: Row) -> Row:
        for rule in body["security_group_rules"]:
            if any(passes(rule) == passes(there) for there in self.rules.values()):
                raise ConflictError("Security group rule already exists", status=409)
            self.rules[f"rule-{len(self.rules)}-new"] = {"remote_group_id": None, **rule}
        return {"security_group_rules": [*self.rules.values()]}

    def delete(self, path: str) -> None:
        del self.rules[path.rpartition("/")[2]]


def passes(rule: Row) -> Row:
    """Return what a rule lets pass."""
    names = ("direction", "ethertype", "protocol", "port_range_min", "remote_ip_prefix")
    return {name: rule[name] for name in names}


def egress(description: str, prefix: str) -> Row:
    return {
        "description": description,
        "direction": "egress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 443,
        "port_range_max": 443,
        "remote_ip_prefix": prefix,
        "remote_group_id": None,
    }


def test_a_flow_may_get_another_name() -> None:
    neutron = Neutron(egress("old-name", "10.5.0.0/24"), egress("dropped", "10.6.0.0/24"))
    wanted = ["new-name: egress tcp 443 to 10.5.0.0/24"]
    group = SecurityGroupKind(neutron)  # type: ignore[arg-type] # a part of a cloud
    group.change("group", frozenset({"rules"}), {"rules": wanted})
    assert [rule["description"] for rule in neutron.rules.values()] == ["new-name"]
    assert group.properties({**neutron.noted})["rules"] == wanted
