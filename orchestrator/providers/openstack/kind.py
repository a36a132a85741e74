"""What every kind of OpenStack has in common: look first, make, finish, compare, delete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from orchestrator.errors import CloudError
from orchestrator.model.units import Json
from orchestrator.ports.provider import Made, Observed, PartlyMadeError, Properties
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.cloud import Cloud
from orchestrator.providers.openstack.refusals import ConflictError
from orchestrator.providers.openstack.rest import Row
from orchestrator.providers.resource_kind import ResourceKind


class CloudKind(ResourceKind):
    """A kind that a service of OpenStack stands behind."""

    def __init__(self, cloud: Cloud) -> None:
        """Nobody is called before the first act."""
        self.cloud = cloud


class ListedKind(CloudKind):
    """A resource that its service lists with all its properties, and changes field by field.

    Making, adopting and finishing a half-made one are one path: find or post, then bring up
    whatever differs from the inputs.
    """

    service: ClassVar[str]
    path: ClassVar[str]
    singular: ClassVar[str]
    """Key of the object in a request and its answer; the list's key is `plural`."""
    plural: ClassVar[str]
    fields: ClassVar[Mapping[str, str]]
    """Attribute -> field of the service, for those that are set by name."""
    late: ClassVar[frozenset[str]] = frozenset()
    """Attributes that the service does not take in the POST; they follow in `change`."""
    scope: ClassVar[tuple[str, ...]] = ()
    """Attributes that, with the name, tell one object from another."""
    verb: ClassVar[str] = "PATCH"

    @property
    def rows(self) -> Bulk:
        """Return the bulk list of these objects."""
        return self.cloud.bulk(self.service, self.path, self.plural)

    def create(self, inputs: Properties) -> Made:
        """Make the resource, or adopt the one of this owner and name; then bring it up."""
        row = self.find(inputs) or self._post_once(inputs)
        row_id = str(row["id"])
        self.rows.put(row)
        try:
            self._bring_up(row, inputs)
            return Made(id=row_id, outputs=self.outputs(row_id, inputs))
        except CloudError as error:
            made = Made(id=row_id, outputs=dict(inputs))
            raise PartlyMadeError(made, (error.message,)) from error

    def update(self, made: Made, old: Properties, new: Properties) -> Properties:
        """Change what differs. A resource that was left half made is finished as well."""
        changed = frozenset(self.diff(old, new).changes)
        row = self.rows.by_id(made.id)
        if row is not None:
            changed |= self.differing(row, new)
        changed &= new.keys()
        if changed:
            self.change(made.id, changed, new)
        return self.outputs(made.id, new)

    def delete(self, made: Made, inputs: Properties) -> None:
        """Delete the resource; one that is gone already is fine."""
        self.cloud.service(self.service).delete(f"{self.path}/{made.id}")
        self.rows.drop(made.id)

    def observe(self, ids: Collection[str], *, max_age_seconds: float = 0.0) -> dict[str, Observed]:
        """Return those of the ids that exist."""
        rows = self.rows.read(max_age_seconds=max_age_seconds)
        return {
            row_id: Observed(id=row_id, properties=self.properties(rows[row_id]))
            for row_id in ids
            if row_id in rows
        }

    # What a kind may say of itself.

    def owned(self, row: Row, inputs: Properties) -> bool:
        """Say whether an object of the right name and scope is the one of these inputs.

        In a department's own project it always is; elsewhere its tags must say so, or, where
        a killed run had no time to set them, its description.
        """
        if "project_id" in inputs and "project_id" in self.scope:
            return True
        tags = row.get("tags") or ()
        return bool(set(tags) & set(site_tags(inputs))) or (
            not tags and row.get("description") == inputs.get("description")
        )

    def body(self, inputs: Properties, names: Collection[str]) -> dict[str, Json]:
        """Return the named attributes as the service's fields."""
        return {
            field: inputs[name]
            for name, field in self.fields.items()
            if name in names and name in inputs
        }

    def properties(self, row: Row) -> dict[str, Json]:
        """Return an object in the shape of the inputs; what the service leaves open is left out."""
        seen = {name: row[field] for name, field in self.fields.items() if field in row}
        return {
            name: self.attributes[name].read(value)
            for name, value in seen.items()
            if value is not None
        }

    def outputs(self, resource_id: str, inputs: Properties) -> Properties:
        """Return what the resource offers to others."""
        return {k: v for k, v in inputs.items() if k not in self.kind.write_only}

    def post(self, inputs: Properties) -> Row:
        """Make the object."""
        body = self.body(inputs, self.fields.keys() - self.late)
        row: Row = self.cloud.service(self.service).post(self.path, {self.singular: body})[
            self.singular
        ]
        return row

    def change(self, resource_id: str, changed: frozenset[str], inputs: Properties) -> None:
        """Bring the changed attributes of the object to the inputs."""
        body = self.body(inputs, changed - self.late)
        if not body:
            return
        rest = self.cloud.service(self.service)
        send = rest.patch if self.verb == "PATCH" else rest.put
        answer = send(f"{self.path}/{resource_id}", {self.singular: body})
        if self.singular in answer:
            self.rows.put(answer[self.singular])

    def find(self, inputs: Properties, *, fresh: bool = False) -> Row | None:
        """Return the object of these inputs where it exists. Refuses one that is another's."""
        wanted = {self.fields[name]: inputs.get(name) for name in ("name", *self.scope)}
        row = self.rows.find(
            lambda row: all(row.get(field) == value for field, value in wanted.items()),
            fresh=fresh,
        )
        if row is not None and not self.owned(row, inputs):
            raise CloudError(
                f"the cloud has a {self.singular} {inputs['name']} already, and it is not tagged "
                f"as this site's",
                remedy="Rename one of the two, or tag the existing one to hand it over.",
            )
        return row

    def differing(self, row: Row, inputs: Properties) -> frozenset[str]:
        """Return the attributes in which an object is not what the inputs say."""
        seen = self.properties(row)
        return frozenset(n for n in seen.keys() & inputs.keys() if seen[n] != inputs[n])

    def _post_once(self, inputs: Properties) -> Row:
        rest = self.cloud.service(self.service)
        try:
            return rest.once(lambda: self.post(inputs), lambda: self.find(inputs, fresh=True))
        except ConflictError:
            # Somebody, or a try of ours without an answer, was faster.
            row = self.find(inputs, fresh=True)
            if row is None:
                raise
            return row

    def _bring_up(self, row: Row, inputs: Properties) -> None:
        changed = self.differing(row, inputs)
        fixed = sorted(changed & self.kind.replace_on)
        if fixed:
            raise CloudError(
                f"the cloud has a {self.singular} {inputs['name']} of this owner already, with "
                f"another {', '.join(fixed)}, which cannot be changed in place",
                remedy="Delete it, or declare it as it is.",
            )
        if changed:
            self.change(str(row["id"]), changed, inputs)


def site_tags(inputs: Properties) -> list[str]:
    """Return the tags that name the owning site."""
    tags = inputs.get("tags")
    return (
        [str(tag) for tag in tags if str(tag).startswith("site:")] if isinstance(tags, list) else []
    )
