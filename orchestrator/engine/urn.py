"""Pulumi's resource names (URNs), the way its own engine forms them.

`urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME`; the stack itself is nobody's type prefix.
"""

from __future__ import annotations

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


def make_urn(*, stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """Return the URN of a resource; `parent` is a URN or empty."""
    if parent and qualified_type(parent) != STACK_TYPE:
        kind = f"{qualified_type(parent)}${kind}"
    return f"urn:pulumi:{stack}::{project}::{kind}::{name}"


def qualified_type(urn: str) -> str:
    """Return the type with its parents' types: `a:b:C$d:e:F`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """Return the resource's own type."""
    return qualified_type(urn).rpartition("$")[2]


def name_of(urn: str) -> str:
    """Return the name that the program gave."""
    return urn.split("::", 3)[3]


def provider_urn(reference: str) -> str:
    """Return the URN in a provider reference `URN::ID`."""
    return reference.rpartition("::")[0]
