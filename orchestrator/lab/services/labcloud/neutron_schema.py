"""Create Neutron's schema from its models.

Its migrations alter constraints, which SQLite cannot do. Its own unit tests create the schema this
way; `neutron-db-manage stamp heads` follows.
"""

from __future__ import annotations

import sys

import sqlalchemy
from neutron.db.migration.models import head


def main(argv: list[str]) -> int:
    """Create all tables in the database of the given URL, then mark them as up to date."""
    head.get_metadata().create_all(sqlalchemy.create_engine(argv[1]))
    from neutron.db.migration import cli

    sys.argv = ["neutron-db-manage", *argv[2:], "stamp", "heads"]
    return int(cli.main() or 0)
