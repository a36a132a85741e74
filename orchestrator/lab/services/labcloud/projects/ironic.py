"""Bare metal: API and conductor in one process, joined by plain calls."""

from __future__ import annotations

import functools
import hashlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labcloud.hosts import Hosts
from labcloud.settings import ServiceSettings
from labcloud.wsgi import App


def build(settings: ServiceSettings) -> App:
    """Start the conductor and return Ironic's API."""
    _remember_hashes()
    _check_schemas_once()
    sys.argv = ["ironic", "--config-file", str(settings.config / "ironic.conf")]
    from ironic.common import service
    from ironic.conf import CONF

    # First the configuration: the conductor's periodic tasks take their times when imported.
    service.prepare_service("ironic", sys.argv)
    _count_only_busy_workers()
    from ironic.conductor import rpc_service

    from labcloud import host_deploy

    host_deploy.install(Hosts(settings), Path(CONF.pxe.images_path))

    conductor = rpc_service.RPCService(CONF.host, "ironic.conductor.manager", "ConductorManager")
    conductor.start()
    from ironic.api import app

    return app.VersionSelectorApplication()


def _remember_hashes() -> None:
    """Hash each BMC password once.

    Ironic does it at every access to Redfish, with 600,000 rounds and 0.35 s of CPU each, only to
    look up a session. Remembered, a city of 376 servers is possible on a small machine.
    """
    remembered = functools.lru_cache(8192)(hashlib.pbkdf2_hmac)
    # Without it the first 64 servers, in as many threads, would all hash the same password.
    one_at_a_time = threading.Lock()

    def hash_once(*arguments: object, **named: object) -> bytes:
        with one_at_a_time:
            return remembered(*arguments, **named)

    hashlib.pbkdf2_hmac = hash_once


def _count_only_busy_workers() -> None:
    """Let the conductor refuse work only when its workers are busy.

    It counts idle workers as well (seen in 39.0.0): once the pool has grown to its limit, which a
    few hundred servers at a time do, every later request gets 503 for ever.
    """
    import futurist
    from ironic.conductor import base_manager

    def reject_when_busy(pool_size: int) -> Callable[[Any, int], None]:
        def reject(executor: Any, backlog: int) -> None:  # noqa: ANN401 - futurist has no types
            busy = executor.num_workers - executor.get_num_idle_workers() + backlog
            if busy >= pool_size:
                raise futurist.RejectedSubmission(f"all {pool_size} workers are busy")

        return reject

    base_manager.reject_when_reached = reject_when_busy


def _check_schemas_once() -> None:
    """Let jsonschema check a schema once, not at every validation: an eighth of Ironic's CPU."""
    import jsonschema

    made: dict[int, jsonschema.protocols.Validator] = {}

    def validate(instance: object, schema: dict[str, object]) -> None:
        # A validator keeps its schema alive, so that no other can come to have its id.
        validator = made.get(id(schema))
        if validator is None:
            cls = jsonschema.validators.validator_for(schema)
            cls.check_schema(schema)
            validator = made[id(schema)] = cls(schema)
        error = jsonschema.exceptions.best_match(validator.iter_errors(instance))
        if error is not None:
            raise error

    jsonschema.validate = validate
