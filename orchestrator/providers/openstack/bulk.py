"""Every object of one kind, read with one call and kept for the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from orchestrator.errors import CloudError
from orchestrator.providers.openstack.rest import Rest, Row


class Bulk:
    """A list of a service, loaded on first use; what is made or deleted meanwhile is noted in it.

    It answers "does it exist already" and "which id has this name" without a request each.
    """

    def __init__(
        self, rest: Rest, path: str, key: str, *, id_field: str = "id", params: Row | None = None
    ) -> None:
        """Name the list; `key` is where the rows stand in the answer."""
        self._rest = rest
        self._path = path
        self._key = key
        self._params = params or {}
        self._id_field = id_field
        self._lock = threading.RLock()
        self._rows: dict[str, Row] | None = None
        self._read_at = 0.0

    def find(self, wanted: Callable[[Row], bool], *, fresh: bool = False) -> Row | None:
        """Return the first row that is wanted; `fresh` reads the list again."""
        with self._lock:
            return next((row for row in self._loaded(fresh=fresh).values() if wanted(row)), None)

    def named(self, name: str) -> Row | None:
        """Return the row of that name; one more read before the answer is None."""
        return self.find(lambda row: row["name"] == name) or self.find(
            lambda row: row["name"] == name, fresh=True
        )

    def by_id(self, row_id: str) -> Row | None:
        """Return the row of that id as last read."""
        with self._lock:
            return self._loaded(fresh=False).get(row_id)

    def read(self, *, max_age_seconds: float = 0.0) -> dict[str, Row]:
        """Return all rows by id, read again unless the last reading is younger than that."""
        with self._lock:
            stale = time.monotonic() - self._read_at > max_age_seconds
            return dict(self._loaded(fresh=stale))

    def put(self, row: Row) -> None:
        """Note a row that was just made or changed."""
        with self._lock:
            if self._rows is not None:
                self._rows[self._id(row)] = row

    def drop(self, row_id: str) -> None:
        """Note that a row is gone."""
        with self._lock:
            if self._rows is not None:
                self._rows.pop(row_id, None)

    def _loaded(self, *, fresh: bool) -> dict[str, Row]:
        if self._rows is None or fresh:
            started = time.monotonic()
            rows = self._rest.pages(self._path, self._key, **self._params)
            self._rows = {self._id(row): row for row in rows}
            self._read_at = started
        return self._rows

    def _id(self, row: Row) -> str:
        return str(row[self._id_field])


def named_id(rows: Bulk, name: str, what: str) -> str:
    """Return the id of the object of that name."""
    row = rows.named(name)
    if row is None:
        raise CloudError(f"the cloud has no {what} {name}", remedy="Apply the system layer first.")
    return str(row["id"])
