"""The door through which a program reads its slice of the site."""

from __future__ import annotations

from typing import TypeVar

import pulumi
from pydantic import TypeAdapter

T = TypeVar("T")


def read_slice(shape: type[T]) -> T:
    """Return the stack's slice, from the Pulumi configuration `govcloud:slice`.

    Raises pydantic's ValidationError where the configuration is not of that shape.
    """
    return TypeAdapter(shape).validate_json(pulumi.Config("govcloud").require("slice"))
