"""What a primary keeps of its log because a repository did not take it yet."""

from __future__ import annotations

import shutil

from . import postgres
from .aside import data_of
from .ground import Answer

READY = """
SELECT json_build_object('segments', count(*),
  'segment_bytes', pg_size_bytes(current_setting('wal_segment_size')))
FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready';
"""


def backlog(request: Answer) -> Answer:
    """Say how much of a cluster's log waits here, and how much room its disk has left."""
    cluster = postgres.Cluster(request["cluster"])
    cluster.require()
    told = cluster.ask(READY, database="postgres")
    free = shutil.disk_usage(data_of(cluster) / "pg_wal").free
    waiting = int(told["segments"]) * int(told["segment_bytes"])
    return {"waiting_bytes": waiting, "free_bytes": free}
