"""SNMP v2c and v3 on pysnmp: asynchronous inside, one call at the outside.

One event loop in a thread of its own speaks with all devices; pysnmp's objects never leave it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from pysnmp.hlapi.v1arch import asyncio as v2c
from pysnmp.hlapi.v3arch import asyncio as v3
from pysnmp.proto import errind, rfc1902, rfc1905

from orchestrator.errors import CloudError
from orchestrator.model.readings import FaultKind
from orchestrator.model.units import Secret
from orchestrator.providers.snmp.values import Oid, Value, plain, sort_rows, written

TIMEOUT_SECONDS = 2.5
RETRIES = 2
"""A silent device costs 7.5 s, whatever is asked of it: nothing more is asked after that."""

DEVICES_AT_ONCE = 48
GET_AT_ONCE = 32
"""Variables in one request: with names of 64 characters an answer still fits one packet."""

WHOLE_SECONDS = 300.0
"""For one call from outside, over all its devices."""

T = TypeVar("T")


class SnmpError(CloudError):
    """A device did not do what was asked."""

    def __init__(self, kind: FaultKind, message: str) -> None:
        """Keep the kind, which decides, beside the words, which do not."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, kw_only=True, slots=True)
class V3Login:
    """A user of SNMPv3 with SHA-256 and AES-128."""

    user: str
    authentication: Secret
    privacy: Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where and how a device is reached."""

    name: str
    host: str
    port: int = 161
    community: Secret | None = None
    """None: log in by v3."""
    v3_login: V3Login | None = None
    context: str = ""


class Session:
    """The conversation with one device, inside the event loop."""

    def __init__(self, endpoint: Endpoint, engines: Engines) -> None:
        """Say nothing yet."""
        self.endpoint = endpoint
        self._engines = engines
        self._target: Any = None

    async def get(self, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Return the values of single objects. Raises SnmpError."""
        found: dict[Oid, Value] = {}
        for start in range(0, len(oids), GET_AT_ONCE):
            part = oids[start : start + GET_AT_ONCE]
            bindings = await self._ask("get_cmd", [(oid, rfc1905.unSpecified) for oid in part])
            found |= {str(oid): plain(value) for oid, value in bindings}
        return found

    async def columns(self, columns: Sequence[Oid], rows: int) -> dict[Oid, dict[str, Value]]:
        """Return columns of a table by row index, in as few GETBULKs as they fit. Raises SnmpError.

        At most `rows` rows are asked for: a table without an end ends there.
        """
        table: dict[Oid, dict[str, Value]] = {column: {} for column in columns}
        places = {column: column for column in columns}
        asked = 0
        while places and asked < rows:
            count = min(rows - asked, max(1, GET_AT_ONCE // len(places)))
            bindings = await self._ask(
                "bulk_cmd", [(oid, rfc1905.unSpecified) for oid in places.values()], repeat=count
            )
            places = sort_rows(table, list(places), bindings)
            asked += count
        return table

    async def set(self, values: Mapping[Oid, int | str]) -> None:
        """Write values, `GET_AT_ONCE` in one request. Raises SnmpError."""
        pairs = [(oid, written(value)) for oid, value in values.items()]
        for start in range(0, len(pairs), GET_AT_ONCE):
            await self._ask("set_cmd", pairs[start : start + GET_AT_ONCE])

    async def _ask(self, command: str, bindings: Sequence[Any], *, repeat: int = 0) -> Any:  # noqa: ANN401 - pysnmp has no types
        login = self.endpoint.v3_login
        ask = self._ask_v2c if login is None else self._ask_v3
        indication, status, index, answered = await ask(command, bindings, repeat)
        if indication is not None:
            raise self._failure(indication)
        if int(status):
            place = int(index) - 1
            what = str(bindings[place][0]) if 0 <= place < len(bindings) else "the request"
            raise SnmpError(
                FaultKind.REFUSED, f"{self.endpoint.name} refuses {what}: {status.prettyPrint()}"
            )
        return answered

    async def _ask_v2c(self, command: str, bindings: Sequence[Any], repeat: int) -> Any:  # noqa: ANN401 - see above
        if self._target is None:
            self._target = await v2c.UdpTransportTarget.create(
                (self.endpoint.host, self.endpoint.port), timeout=TIMEOUT_SECONDS, retries=RETRIES
            )
        secret = self.endpoint.community
        # Old PDUs and most collectors have no v3; the room says which version it trusts.
        login = v2c.CommunityData(secret.reveal() if secret else "", mpModel=1)  # noqa: S508 - see above
        plain = [(rfc1902.ObjectName(oid), value) for oid, value in bindings]
        ask = getattr(v2c, command)
        numbers = (0, repeat) if repeat else ()
        return await ask(self._engines.v2c, login, self._target, *numbers, *plain)

    async def _ask_v3(self, command: str, bindings: Sequence[Any], repeat: int) -> Any:  # noqa: ANN401 - see above
        if self._target is None:
            self._target = await v3.UdpTransportTarget.create(
                (self.endpoint.host, self.endpoint.port), timeout=TIMEOUT_SECONDS, retries=RETRIES
            )
        login = self.endpoint.v3_login
        assert login is not None  # noqa: S101 - the caller looked
        user = v3.UsmUserData(
            login.user,
            login.authentication.reveal(),
            login.privacy.reveal(),
            authProtocol=v3.USM_AUTH_HMAC192_SHA256,
            privProtocol=v3.USM_PRIV_CFB128_AES,
        )
        typed = [v3.ObjectType(v3.ObjectIdentity(oid), value) for oid, value in bindings]
        ask = getattr(v3, command)
        numbers = (0, repeat) if repeat else ()
        context = v3.ContextData(contextName=self.endpoint.context.encode())
        return await ask(
            self._engines.v3, user, self._target, context, *numbers, *typed, lookupMib=False
        )

    def _failure(self, indication: object) -> SnmpError:
        silent = isinstance(indication, errind.RequestTimedOut)
        place = f"{self.endpoint.name} at {self.endpoint.host}:{self.endpoint.port}"
        if silent:
            seconds = TIMEOUT_SECONDS * (RETRIES + 1)
            how = "or the community is not the device's" if self.endpoint.v3_login is None else ""
            return SnmpError(
                FaultKind.SILENT, f"{place} did not answer in {seconds:g} s {how}".rstrip()
            )
        return SnmpError(FaultKind.REFUSED, f"{place} refuses: {indication}")


class Engines:
    """pysnmp's engines, made in the event loop at the first use of each."""

    def __init__(self) -> None:
        """Make none yet."""
        self._v2c: Any = None
        self._v3: Any = None

    @property
    def v2c(self) -> Any:  # noqa: ANN401 - pysnmp has no types
        """Return the engine of v2c."""
        if self._v2c is None:
            self._v2c = v2c.SnmpDispatcher()
        return self._v2c

    @property
    def v3(self) -> Any:  # noqa: ANN401 - pysnmp has no types
        """Return the engine of v3."""
        if self._v3 is None:
            self._v3 = v3.SnmpEngine()
        return self._v3

    def close(self) -> None:
        """Close the sockets."""
        if self._v2c is not None:
            self._v2c.close()
        if self._v3 is not None:
            self._v3.close_dispatcher()


class SnmpWire:
    """Conversations with many devices at a time, for callers in any thread."""

    def __init__(self) -> None:
        """Start nothing before the first use."""
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._engines = Engines()
        self._room: asyncio.Semaphore | None = None

    def each(
        self, endpoints: Sequence[Endpoint], talk: Callable[[Session], Awaitable[T]]
    ) -> list[T]:
        """Talk to every device, `DEVICES_AT_ONCE` at a time; return the results in order.

        Raises what `talk` raises: where one device must not stop the others, it catches.
        """

        async def all_of_them() -> list[T]:
            return list(await asyncio.gather(*(self._one(each, talk) for each in endpoints)))

        doing: Future[list[T]] = asyncio.run_coroutine_threadsafe(all_of_them(), self._running())
        return doing.result(WHOLE_SECONDS)

    def close(self) -> None:
        """Stop the loop and close the sockets; a wire that was never used has none."""
        with self._starting:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(self._end, loop)
        thread.join(5)
        loop.close()

    async def _one(self, endpoint: Endpoint, talk: Callable[[Session], Awaitable[T]]) -> T:
        if self._room is None:
            self._room = asyncio.Semaphore(DEVICES_AT_ONCE)
        async with self._room:
            return await talk(Session(endpoint, self._engines))

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), daemon=True, name="snmp"
                )
                self._thread.start()
            return self._loop

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        self._engines.close()
        self._engines, self._room = Engines(), None
        # Sockets are closed one turn of the loop after they are told to.
        loop.call_soon(loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
