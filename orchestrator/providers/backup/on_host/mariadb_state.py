"""What a host's own MariaDB is: a member of a Galera cluster, a server by itself, or a replica."""

from __future__ import annotations

from .ground import ActError, Answer
from .mariadb import Server

STATE = """
SELECT JSON_OBJECT('read_only', IF(@@read_only, 1, 0), 'wsrep', IF(@@wsrep_on, 1, 0),
  'version', VERSION());
"""
UPSTREAMS = "SHOW ALL SLAVES STATUS;"
"""A line for each server that this one follows, also where it was told to stop for a while."""
MEMBERSHIP = """
SELECT JSON_ARRAY(LOWER(variable_name), variable_value) FROM information_schema.global_status
WHERE variable_name IN ('wsrep_local_state', 'wsrep_cluster_status', 'wsrep_cluster_state_uuid',
  'wsrep_cluster_size');
"""
SYNCED = "4"
"""Of wsrep_local_state (Galera 4): joined 3, donor 2, joining 1."""


def role(request: Answer) -> Answer:
    """Say what the host's own server is: a synced member, a server by itself, a replica, or none.

    `cluster` names the history of a Galera cluster's data, and `size` says how many it counts: two
    halves of one that was parted have the same history and different data.
    """
    server = Server(request["instance"])
    return role_of(server) if server.is_there() else {"role": "absent", "cluster": ""}


def role_of(server: Server) -> Answer:
    """Say what a server that is installed here is."""
    try:
        (state,) = server.ask(STATE)
    except ActError as error:
        return {"role": f"down ({error.message})", "cluster": ""}
    if server.say(UPSTREAMS).strip():
        # Of another cluster, too: what we wrote here would stop what comes from there.
        return {"role": "replica", "cluster": ""}
    if state["wsrep"]:
        told = dict(server.ask(MEMBERSHIP))
        synced = told.get("wsrep_local_state") == SYNCED
        synced = synced and told.get("wsrep_cluster_status") == "Primary"
        cluster = str(told.get("wsrep_cluster_state_uuid", ""))
        size = int(told.get("wsrep_cluster_size", 0))
        return {"role": "synced" if synced else "not synced", "cluster": cluster, "size": size}
    return {"role": "read only" if state["read_only"] else "primary", "cluster": ""}
