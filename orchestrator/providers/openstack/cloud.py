"""The way into one OpenStack cloud: configuration, sessions, services."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator import __version__
from orchestrator.errors import CloudError
from orchestrator.model.units import Secret
from orchestrator.providers.openstack.bulk import Bulk
from orchestrator.providers.openstack.rest import Rest, Row
from orchestrator.providers.patience import Retry

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

_VERSIONS = {
    "identity": "3",
    "network": "2",
    "compute": "2.1",
    "image": "2",
    "block-storage": "3",
    "baremetal": "1",
    "placement": "1",
}

# Compute 2.61: flavors are listed with their extra specs. Baremetal 1.61: traits in node lists.
# Placement 1.6: traits.
_MICROVERSIONS = {"compute": "2.61", "baremetal": "1.61", "placement": "1.6"}

POOLED_CONNECTIONS = 16


class Cloud:
    """One cloud of clouds.yaml. Nothing is read and nobody is called before the first use."""

    def __init__(
        self,
        name: str | None,
        *,
        site: str = "",
        config_files: Sequence[Path] = (),
        retry: Retry | None = None,
        requests_at_once: int = 8,
    ) -> None:
        """Name the cloud (None: from the environment, as every OpenStack client does).

        The site's name goes into the User-Agent, so that the services' logs tell who called.
        `requests_at_once` bounds the requests in flight, whatever the number of threads.
        """
        self._name = name
        self._site = site
        self._config_files = [str(path) for path in config_files] or None
        self.retry = retry or Retry()
        self._slots = threading.BoundedSemaphore(requests_at_once)
        self._lock = threading.RLock()
        self._region: CloudRegion | None = None
        self._services: dict[str, Rest] = {}
        self._adapters: dict[str, Adapter] = {}
        self._lists: dict[tuple[str, str], Bulk] = {}

    def service(self, name: str) -> Rest:
        """Return a service by its type, for example `block-storage`."""
        with self._lock:
            if name not in self._services:
                self._services[name] = Rest(
                    name, lambda: self._adapter(name), retry=self.retry, slots=self._slots
                )
            return self._services[name]

    def bulk(
        self,
        service: str,
        path: str,
        key: str,
        *,
        id_field: str = "id",
        params: Row | None = None,
    ) -> Bulk:
        """Return the one list of that path which everybody shares."""
        with self._lock:
            place = (service, path)
            if place not in self._lists:
                self._lists[place] = Bulk(
                    self.service(service), path, key, id_field=id_field, params=params
                )
            return self._lists[place]

    def as_user(self, user_id: str, password: Secret, *, project_id: str) -> Rest:
        """Return the identity service as another user, in one project."""
        from keystoneauth1.adapter import Adapter
        from keystoneauth1.identity.v3 import Password
        from keystoneauth1.session import Session

        region = self._opened()
        admin = region.get_session()
        auth = Password(
            auth_url=region.config["auth"]["auth_url"],
            user_id=user_id,
            password=password.reveal(),
            project_id=project_id,
        )
        session = Session(auth=auth, verify=admin.verify, cert=admin.cert, session=admin.session)
        adapter = Adapter(
            session,
            service_type="identity",
            interface=region.get_interface("identity"),
            region_name=region.get_region_name("identity"),
            version="3",
        )
        return Rest("identity", lambda: adapter, retry=self.retry, slots=self._slots)

    def project_id(self) -> str | None:
        """Return the project that this login works in; None: it is of the whole cloud."""
        found: str | None = self._opened().get_session().get_project_id()
        return found

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            if self._region is not None:
                self._region.get_session().session.close()

    def calls(self) -> dict[str, int]:
        """Return how many requests each service has had from here."""
        return {name: rest.calls for name, rest in self._services.items()}

    def _adapter(self, service: str) -> Adapter:
        """Return keystoneauth's adapter; the SDK's own proxies cost much and add nothing here."""
        from keystoneauth1.adapter import Adapter

        with self._lock:
            if service not in self._adapters:
                region = self._opened()
                self._adapters[service] = Adapter(
                    region.get_session(),
                    service_type=service,
                    interface=region.get_interface(service),
                    region_name=region.get_region_name(service),
                    endpoint_override=region.get_endpoint(service),
                    version=_VERSIONS[service],
                    default_microversion=_MICROVERSIONS.get(service),
                )
            return self._adapters[service]

    def _opened(self) -> CloudRegion:
        with self._lock:
            if self._region is None:
                self._region = self._open()
            return self._region

    def _open(self) -> CloudRegion:
        from openstack.config import OpenStackConfig
        from openstack.exceptions import SDKException
        from openstack.warnings import RemovedInSDK60Warning

        try:
            config = OpenStackConfig(
                config_files=self._config_files,
                # Any callable will do; the SDK annotates it as the class itself.
                session_constructor=_pooled_session,  # type: ignore[arg-type]
                app_name=f"orchestrator-{self._site}",
                app_version=__version__,
            )
            with warnings.catch_warnings():
                # The SDK (4.22) warns of its own empty default for a metrics database.
                warnings.simplefilter("ignore", RemovedInSDK60Warning)
                return config.get_one(cloud=self._name)
        except SDKException as failure:
            raise CloudError(
                f"the cloud {self._name or '(from the environment)'} cannot be opened: {failure}",
                remedy="Look for it in clouds.yaml, or set OS_CLOUD and OS_CLIENT_CONFIG_FILE.",
            ) from failure


def _pooled_session(**settings: Any) -> Session:  # noqa: ANN401 - the SDK calls it with its own set
    """Make a session whose connections are kept open for every thread.

    The default pool of ten throws connections away as soon as more threads than that have one.
    """
    import requests
    from keystoneauth1.session import Session
    from requests.adapters import HTTPAdapter

    pool = requests.Session()
    for scheme in ("http://", "https://"):
        pool.mount(scheme, HTTPAdapter(pool_maxsize=POOLED_CONNECTIONS))
    return Session(session=pool, **settings)
