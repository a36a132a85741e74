"""Keystone: who may do what where, and credentials for programs."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json, Secret
from orchestrator.ports.provider import Fault, Made, Observed, Properties
from orchestrator.providers.attributes import Attribute, text, text_set
from orchestrator.providers.openstack.identity import DESCRIPTION, NAME
from orchestrator.providers.openstack.kind import CloudKind
from orchestrator.providers.openstack.refusals import (
    ConflictError,
    NotThereError,
    RequestRefusedError,
)
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.patience import Patience, Retry
from orchestrator.providers.resource_kind import declare

_TARGETS = {"project_id": "projects", "domain_id": "domains"}
_ACTORS = {"group_id": "groups", "user_id": "users"}

UNAUTHORIZED = 401
NEW_PASSWORD = Retry(total_seconds=5.0, first_pause_seconds=0.5, longest_pause_seconds=1.0)


class RoleAssignmentKind(CloudKind):
    """A role of a group or user on a project or domain. Its id is its path in Keystone."""

    kind = declare(
        "identity:RoleAssignment",
        holds=False,
        replace_on={"role", "project_id", "domain_id", "group_id", "user_id"},
    )
    attributes: ClassVar = {
        "role": Attribute(read=text, meaning="name of the role", required=True),
        "project_id": Attribute(read=text, meaning="where: a project"),
        "domain_id": Attribute(read=text, meaning="or a domain"),
        "group_id": Attribute(read=text, meaning="who: a group"),
        "user_id": Attribute(read=text, meaning="or a user"),
    }

    def check(self, inputs: Properties) -> tuple[Properties, tuple[Fault, ...]]:
        """Check that it is one actor on one target."""
        checked, faults = super().check(inputs)
        for ends, what in ((_TARGETS, "target"), (_ACTORS, "actor")):
            if len(ends.keys() & checked.keys()) != 1:
                reason = f"exactly one {what} is wanted: {' or '.join(ends)}"
                faults = (*faults, Fault(attribute=next(iter(ends)), reason=reason))
        return checked, faults

    def create(self, inputs: Properties) -> Made:
        """Assign the role; doing it twice is doing it once."""
        path = self._path(inputs)
        self.cloud.service("identity").put(path)
        return Made(id=path, outputs=dict(inputs))

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Assign it again: every difference is a replacement."""
        self.cloud.service("identity").put(made.id)
        return dict(new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Take the role away."""
        self.cloud.service("identity").delete(made.id)

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return those of the assignments that exist, out of one list of all."""
        rows = self.cloud.service("identity").pages("/role_assignments", "role_assignments")
        there = {path: row for row in rows if (path := _path_of(row)) is not None}
        return {
            path: Observed(id=path, properties=self._properties(path))
            for path in ids
            if path in there
        }

    def _properties(self, path: str) -> dict[str, Json]:
        _, targets, target_id, actors, actor_id, _, role_id = path.split("/")
        role = self.cloud.bulk("identity", "/roles", "roles").by_id(role_id)
        return {
            "role": role["name"] if role else role_id,
            next(name for name, word in _TARGETS.items() if word == targets): target_id,
            next(name for name, word in _ACTORS.items() if word == actors): actor_id,
        }

    def _path(self, inputs: Properties) -> str:
        role = self.cloud.bulk("identity", "/roles", "roles").named(str(inputs["role"]))
        if role is None:
            raise CloudError(
                f"the cloud has no role {inputs['role']}",
                remedy="Run `keystone-manage bootstrap` of this release: it makes the roles.",
            )
        target = next(
            f"/{word}/{inputs[name]}" for name, word in _TARGETS.items() if name in inputs
        )
        actor = next(f"/{word}/{inputs[name]}" for name, word in _ACTORS.items() if name in inputs)
        return f"{target}{actor}/roles/{role['id']}"


class ApplicationCredentialKind(CloudKind):
    """A credential for programs of a project, made in the service user's own session.

    Keystone tells its secret once: one that exists without a state is made anew.
    """

    kind = declare(
        "identity:ApplicationCredential",
        holds=False,
        replace_on={"name", "user_id", "project_id", "roles", "description"},
        # Keystone adds the roles that a role implies; none of them can change afterwards.
        write_only={"password", "roles"},
        secret_outputs={"secret"},
    )
    attributes: ClassVar = {
        "name": NAME,
        "user_id": Attribute(read=text, meaning="id of the service user", required=True),
        "project_id": Attribute(read=text, meaning="id of the project it opens", required=True),
        "password": Attribute(read=text, meaning="of the service user; secret", required=True),
        "roles": Attribute(read=text_set, meaning="roles that it carries", required=True),
        "description": DESCRIPTION,
    }
    unseen = frozenset({"password"})

    def create(self, inputs: Properties) -> Made:
        """Make the credential, in the place of one of that name whose secret nobody has."""
        user_id = str(inputs["user_id"])
        path = f"/users/{user_id}/application_credentials"
        try:
            row = self._post(path, inputs)
        except ConflictError:
            self._clear(user_id, str(inputs["name"]))
            row = self._post(path, inputs)
        credential = row["application_credential"]
        outputs = {k: v for k, v in inputs.items() if k != "password"}
        outputs |= {"secret": credential["secret"], "credential_id": credential["id"]}
        return Made(id=f"{path}/{credential['id']}", outputs=outputs)

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Keep it: every difference is a replacement, and a new password leaves it valid."""
        return dict(made.outputs)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Delete the credential."""
        self.cloud.service("identity").delete(made.id)

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return those of the credentials that exist: one list per service user."""
        found: dict[str, Observed] = {}
        for path in sorted({path.rpartition("/")[0] for path in ids}):
            for row in self._of_user(path):
                found[f"{path}/{row['id']}"] = Observed(
                    id=f"{path}/{row['id']}", properties=_credential(path, row)
                )
        return {path: found[path] for path in ids if path in found}

    def _post(self, path: str, inputs: Properties) -> Row:
        """Make the credential as the user; a password set in this very second is not heeded yet.

        Keystone revokes the tokens of a user whose password changed, up to the full second.
        """
        roles = inputs["roles"] if isinstance(inputs["roles"], list) else []
        body = {
            "name": inputs["name"],
            "description": inputs.get("description", ""),
            "roles": [{"name": role} for role in roles],
        }
        password, project_id = Secret(str(inputs["password"])), str(inputs["project_id"])
        patience = Patience(retry=NEW_PASSWORD)
        while True:
            rest = self.cloud.as_user(str(inputs["user_id"]), password, project_id=project_id)
            try:
                row: Row = rest.post_again(path, {"application_credential": body})
            except RequestRefusedError as refusal:
                if refusal.status != UNAUTHORIZED or not patience.wait(None):
                    raise
            else:
                return row

    def _of_user(self, path: str) -> list[Row]:
        try:
            return self.cloud.service("identity").pages(path, "application_credentials")
        except NotThereError:
            return []

    def _clear(self, user_id: str, name: str) -> None:
        path = f"/users/{user_id}/application_credentials"
        for row in self._of_user(path):
            if row["name"] == name:
                self.cloud.service("identity").delete(f"{path}/{row['id']}")


def _path_of(row: Row) -> str | None:
    """Return the path that an assignment was made with; None for inherited and system ones."""
    if "OS-INHERIT:inherited_to" in row["scope"]:
        return None
    parts: list[str] = []
    for where, words in ((row["scope"], ("project", "domain")), (row, ("group", "user"))):
        parts += [f"/{word}s/{where[word]['id']}" for word in words if word in where]
    return f"{''.join(parts)}/roles/{row['role']['id']}" if len(parts) == 2 else None


def _credential(path: str, row: Row) -> dict[str, Json]:
    return {
        "name": row["name"],
        "user_id": path.split("/")[2],
        "project_id": row["project_id"],
        "description": row["description"] or "",
    }
