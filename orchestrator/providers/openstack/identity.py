"""Keystone: domains, projects, groups, users."""

from __future__ import annotations

import secrets
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, PartlyMadeError, Properties
from orchestrator.providers.attributes import Attribute, flag, text, text_set
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.kind import ListedKind
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import declare

NAME = Attribute(read=text, meaning="name", required=True)
DESCRIPTION = Attribute(read=text, meaning="for people")
TAGS = Attribute(read=text_set, meaning="who owns it: site, stack and thing")
IN_DOMAIN = Attribute(read=text, meaning="id of its domain", required=True)
ENABLED = Attribute(read=flag, meaning="whether it may be used")

PASSWORD_BYTES = 32


class _Identity(ListedKind):
    service = "identity"


class DomainKind(_Identity):
    """A department's domain. A domain is disabled before it is deleted, as Keystone wants."""

    kind = declare("identity:Domain", holds=True)
    attributes: ClassVar = {
        "name": NAME,
        "description": DESCRIPTION,
        "enabled": ENABLED,
        "tags": TAGS,
    }
    path, singular, plural = "/domains", "domain", "domains"
    fields: ClassVar = {n: n for n in attributes}

    def delete(self, made: Made, inputs: Properties) -> None:
        """Disable, then delete with everything that Keystone holds in the domain."""
        if self.read(made.id, inputs) is None:
            return
        self.change(made.id, frozenset({"enabled"}), {**inputs, "enabled": False})
        super().delete(made, inputs)


class ProjectKind(_Identity):
    """A system of a department."""

    kind = declare("identity:Project", holds=True, replace_on={"domain_id"})
    attributes: ClassVar = {
        "name": NAME,
        "domain_id": IN_DOMAIN,
        "description": DESCRIPTION,
        "enabled": ENABLED,
        "tags": TAGS,
    }
    path, singular, plural = "/projects", "project", "projects"
    fields: ClassVar = {n: n for n in attributes}
    scope = ("domain_id",)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Delete the project, unless machines, volumes or ports would be left without an owner."""
        left = [f"{count} {what}" for what, count in self._contents(made.id).items() if count]
        if left:
            raise CloudError(
                f"project {inputs.get('name', made.id)} still holds {', '.join(left)}",
                remedy="Move or delete them first; a deleted project would orphan them.",
            )
        super().delete(made, inputs)

    def _contents(self, project_id: str) -> dict[str, int]:
        compute, volume, network = (
            self.cloud.service(name) for name in ("compute", "block-storage", "network")
        )
        everyone: dict[str, Json] = {"all_tenants": 1, "project_id": project_id}
        return {
            "servers": len(compute.pages("/servers", "servers", **everyone)),
            "volumes": len(volume.pages("/volumes", "volumes", **everyone)),
            "snapshots": len(volume.pages("/snapshots", "snapshots", **everyone)),
            "ports": len(network.pages("/ports", "ports", project_id=project_id, fields="id")),
        }


class GroupKind(_Identity):
    """A group of a department's people; who is in it is the department's business."""

    kind = declare("identity:Group", holds=True, replace_on={"domain_id"})
    attributes: ClassVar = {"name": NAME, "domain_id": IN_DOMAIN, "description": DESCRIPTION}
    path, singular, plural = "/groups", "group", "groups"
    fields: ClassVar = {n: n for n in attributes}
    scope = ("domain_id",)

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say yes: whatever has this name in the department's own domain."""
        return True


class UserKind(_Identity):
    """A service user. Its password is made here and leaves only as a secret output."""

    kind = declare(
        "identity:User", holds=True, replace_on={"domain_id"}, secret_outputs={"password"}
    )
    attributes: ClassVar = {
        "name": NAME,
        "domain_id": IN_DOMAIN,
        "description": DESCRIPTION,
        "enabled": ENABLED,
    }
    path, singular, plural = "/users", "user", "users"
    fields: ClassVar = {n: n for n in attributes}
    scope = ("domain_id",)

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say yes: whatever has this name in the department's own domain."""
        return True

    def __init__(self, cloud: Cloud) -> None:
        """Nobody is called before the first act."""
        super().__init__(cloud)
        self._made_here: dict[str, str] = {}

    def create(self, inputs: Properties) -> Made:
        """Make the user, or adopt it with a new password: the old one is known to nobody."""
        made = super().create(inputs)
        password = self._made_here.pop(made.id, None)
        if password is not None:
            return Made(id=made.id, outputs={**made.outputs, "password": password})
        try:
            return Made(id=made.id, outputs=self._with_password(made))
        except CloudError as error:
            raise PartlyMadeError(made, (error.message,)) from error

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Change the user; the password stays, unless a killed run never set one."""
        outputs = super().update(made, old, new)
        if "password" in made.outputs:
            return {**outputs, "password": made.outputs["password"]}
        return self._with_password(Made(id=made.id, outputs=outputs))

    def post(self, inputs: Properties) -> Row:
        """Make the user with a password of its own."""
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        body = {**self.body(inputs, self.fields), "password": password}
        row: Row = self.cloud.service(self.service).post(
            self.path, {self.singular: body}, hide=(password,)
        )[self.singular]
        self._made_here[str(row["id"])] = password
        return row

    def _with_password(self, made: Made) -> Properties:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        self.cloud.service(self.service).patch(
            f"{self.path}/{made.id}", {"user": {"password": password}}, hide=(password,)
        )
        return {**made.outputs, "password": password}
