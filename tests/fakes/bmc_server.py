"""BMCs that are played: real HTTP servers on the loopback, each with the habits of some vendor.

Written from the Redfish documents and the vendors' bug reports, and without a line of our client:
what both got wrong the same way would be seen by nobody.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

Headers = dict[str, str]
REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Not Allowed",
           412: "Precondition Failed", 500: "Error", 503: "Unavailable"}  # fmt: skip
MEDIA = "/redfish/v1/Media"
OPEN = {"/redfish/v1", "/redfish/v1/"}


@dataclass
class Bmc:
    """One BMC with its server. Set the fields to give it habits and faults."""

    user: str = "orchestrator"
    password: str = "first-password"
    manufacturer: str = "Plain"
    oem: str = ""
    model: str = "NF5280M6"
    serial: str = "SN-CMP-01"
    macs: tuple[str, ...] = ("0c:42:a1:00:00:01", "0c:42:a1:00:01:01")
    threads: int = 64
    memory_gib: float | None = 512
    disks_gib: tuple[int, ...] = (480, 480)
    inlet: object = 23
    inlet_state: str = "Enabled"
    thermal: str = "old"
    """old (Thermal), new (ThermalSubsystem), both."""
    power: str = "On"
    led: str = "Off"
    boot: dict[str, Any] = field(
        default_factory=lambda: {
            "BootSourceOverrideEnabled": "Disabled",
            "BootSourceOverrideTarget": "None",
            "BootSourceOverrideMode": "UEFI",
            "BootOrder": ["Boot0001", "Boot0002", "Boot0003", "Boot0004"],
        }
    )
    bios: dict[str, Any] = field(default_factory=lambda: {"BootMode": "Uefi", "Turbo": "Enabled"})
    bios_later: dict[str, Any] = field(default_factory=dict)
    """What stands in the BIOS settings object until the next restart."""
    apply_times: list[str] = field(default_factory=lambda: ["OnReset", "Immediate"])
    apply_time: str = ""
    """What the last change of the BIOS asked for."""
    asset_tag: str = ""
    ignores_settings: bool = False
    """Accepts an asset tag, and keeps its own."""
    factory: tuple[str, str] | None = None
    """A second login that it still takes."""
    images: dict[str, str] = field(default_factory=lambda: {"Cd": "", "Usb": ""})
    media_under: str = "system"
    """system, manager, or nowhere."""
    media_actions: bool = True
    """Else the image is patched into the drive, as before there were actions."""
    ignores_media: bool = False
    hides_image: bool = False
    base: str = "/redfish/v1/Systems/Self.1"
    """Vendors name their system as they like."""

    sessions_supported: bool = True
    sessions_most: int = 8
    expands: bool = True
    delay: float = 0.0

    wants_etag: str = ""
    """`quoted`: If-Match must be the ETag; `bare`: must be it without quotes."""
    refuses_boot_without_mode: bool = False
    drops_boot_without_mode: bool = False
    usb_cd: bool = False
    """`Cd` is the physical drive; the virtual one is `UsbCd`."""
    busy: int = 0
    """So many answers are 503."""
    precondition_failures: int = 0
    fault: str = ""
    """`hang`, `drip`, `half`, `invalid`: what every answer but the root's is like."""
    fault_at: str = ""
    """Only for paths with this in them."""
    must_change_password: bool = False
    ignores_power: bool = False
    tells_reset: bool = True
    """Else its system has no reset action, as for a login that may only read."""
    framing: str = "length"
    """`length`, `chunked`, or `close`: the connection ends with each answer."""
    hangs_after: str = ""
    """Does what is asked, and never answers: `METHOD path-part`."""

    port: int = 0
    secure: bool = False
    sessions: dict[str, str] = field(default_factory=dict)
    """URI by token."""
    calls: Counter[str] = field(default_factory=Counter)
    paths: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    version: int = 1
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    @property
    def etag(self) -> str:
        return f'"{self.version:08x}"'

    # ---- what is asked

    async def answer(
        self, method: str, target: str, headers: Headers, body: bytes
    ) -> tuple[int, Headers, bytes]:
        self.calls[method] += 1
        path, _, query = target.partition("?")
        self.paths.append(f"{method} {target}")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.busy:
                self.busy -= 1
                return 503, {"Retry-After": "0"}, b"{}"
            status, more, content = self._route(method, path.rstrip("/"), headers, body, query)
            if self.hangs_after and f"{method} {path}".startswith(self.hangs_after):
                await asyncio.sleep(3600)
            text = b"" if content is None else json.dumps(content).encode()
            return status, more, text
        finally:
            self.at_once -= 1

    def _route(
        self, method: str, path: str, headers: Headers, body: bytes, query: str
    ) -> tuple[int, Headers, Any]:
        if path in OPEN:
            return 200, {}, self._root()
        sent = json.loads(body) if body else {}
        if method == "POST" and path == "/redfish/v1/Sessions" and self.sessions_supported:
            return self._log_in(sent)
        if not self._knows(headers):
            return 401, {}, _error("Base.1.8.NoValidSession")
        account = "/redfish/v1/Accounts/7"
        if self.must_change_password and path != account and "Sessions" not in path:
            return 403, {}, _error("Base.1.8.PasswordChangeRequired", account)
        acts: dict[str, Callable[[], tuple[int, Headers, Any]]] = {
            "GET": lambda: self._show(path, query),
            "POST": lambda: self._media(path, sent) or self._reset(path, sent),
            "DELETE": lambda: self._log_out(path),
            "PATCH": lambda: self._patch(path, headers, sent),
        }
        return acts[method]()

    def _show(self, path: str, query: str) -> tuple[int, Headers, Any]:
        found = self._resources().get(path)
        if found is None:
            return 404, {}, _error("Base.1.8.ResourceMissingAtURI")
        if "$expand" in query:
            assert self.expands, "expanded without leave"
            found = self._expanded(found, 2 if "levels=2" in query else 1)
        return 200, {"ETag": self.etag}, found

    def _log_in(self, sent: dict[str, Any]) -> tuple[int, Headers, Any]:
        self.logins.append(sent.get("Password", ""))
        if (sent.get("UserName"), sent.get("Password")) not in {
            (self.user, self.password),
            self.factory,
        }:
            return 401, {}, _error("Base.1.8.NoValidSession")
        if len(self.sessions) >= self.sessions_most:
            return 503, {}, _error("Base.1.8.SessionLimitExceeded")
        number = next(self._numbers)
        token, uri = f"token-{number}", f"/redfish/v1/Sessions/{number}"
        self.sessions[token] = uri
        more = {"X-Auth-Token": token, "Location": uri}
        content: dict[str, Any] = {"@odata.id": uri, "UserName": self.user}
        if self.must_change_password:
            content |= _error("Base.1.8.PasswordChangeRequired", "/redfish/v1/Accounts/7")["error"]
        return 201, more, content

    def _log_out(self, path: str) -> tuple[int, Headers, Any]:
        for token, uri in self.sessions.items():
            if uri == path:
                del self.sessions[token]
                return 204, {}, None
        return 404, {}, _error("Base.1.8.ResourceMissingAtURI")

    def _knows(self, headers: Headers) -> bool:
        if headers.get("x-auth-token") in self.sessions:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return False
        login = base64.b64decode(token).decode()
        self.logins.append(login.partition(":")[2])
        return login == f"{self.user}:{self.password}"

    # ---- what is changed

    def _patch(self, path: str, headers: Headers, sent: dict[str, Any]) -> tuple[int, Headers, Any]:
        given = headers.get("if-match", "")
        wanted = {"quoted": self.etag, "bare": self.etag.strip('"'), "": given}[self.wants_etag]
        if self.precondition_failures or given != wanted:
            self.precondition_failures = max(0, self.precondition_failures - 1)
            return 412, {}, _error("Base.1.8.PreconditionFailed")
        self.version += 1
        if path == "/redfish/v1/Accounts/7":
            self.password, self.must_change_password = sent["Password"], False
        elif path == self.base and "IndicatorLED" in sent:
            self.led = sent["IndicatorLED"]
        elif path == self.base and "AssetTag" in sent:
            self.asset_tag = self.asset_tag if self.ignores_settings else sent["AssetTag"]
        elif path.startswith(MEDIA):
            self.images[path.removeprefix(f"{MEDIA}/")] = sent["Image"] or ""
        elif path == f"{self.base}/Bios/Settings":
            self.bios_later |= sent["Attributes"]
            self.apply_time = sent.get("@Redfish.SettingsApplyTime", {}).get("ApplyTime", "")
        elif path == self.base and "Boot" in sent:
            return self._set_boot(sent["Boot"])
        else:
            return 400, {}, _error("Base.1.8.PropertyUnknown")
        return 204, {}, None

    def _set_boot(self, boot: dict[str, Any]) -> tuple[int, Headers, Any]:
        if "BootSourceOverrideMode" not in boot and "BootSourceOverrideTarget" in boot:
            if self.refuses_boot_without_mode:
                return 400, {}, _error("Base.1.8.PropertyMissing", "BootSourceOverrideMode")
            if self.drops_boot_without_mode:
                self.boot["BootSourceOverrideMode"] = "Legacy"
                self.boot["BootSourceOverrideEnabled"] = "Disabled"
                return 204, {}, None
        self.boot |= boot
        return 204, {}, None

    def _reset(self, path: str, sent: dict[str, Any]) -> tuple[int, Headers, Any]:
        if path != f"{self.base}/Actions/Reset":
            return 405, {}, _error("Base.1.8.ActionNotSupported")
        if not self.ignores_power:
            off = sent["ResetType"] in {"ForceOff", "GracefulShutdown"}
            self.power = "Off" if off else "On"
        return 204, {}, None

    def _media(self, path: str, sent: dict[str, Any]) -> tuple[int, Headers, Any] | None:
        drive, _, action = path.removeprefix(f"{MEDIA}/").partition("/Actions/")
        if not path.startswith(MEDIA) or not action:
            return None
        if not self.ignores_media:
            self.images[drive] = sent["Image"] if action == "Insert" else ""
        return 204, {}, None

    def restart(self) -> None:
        """Let somebody restart the server: its BIOS takes what waited."""
        self.bios |= self.bios_later
        self.bios_later.clear()

    # ---- what it is

    def _root(self) -> dict[str, Any]:
        root: dict[str, Any] = {
            "@odata.id": "/redfish/v1",
            "Id": "RootService",
            "Name": "Root",
            "RedfishVersion": "1.15.0",
            "Systems": _link("/redfish/v1/Systems"),
            "AccountService": _link("/redfish/v1/AccountService"),
            "UpdateService": _link("/redfish/v1/UpdateService"),
        }
        if self.sessions_supported:
            root["Links"] = {"Sessions": _link("/redfish/v1/Sessions")}
        if self.oem:
            root["Oem"] = {self.oem: {}}
        if self.expands:
            expand = {"NoLinks": True, "Levels": True, "MaxLevels": 2}
            root["ProtocolFeaturesSupported"] = {"ExpandQuery": expand}
        return root

    def _resources(self) -> dict[str, dict[str, Any]]:
        base, thermal = self.base, {}
        if self.thermal in {"old", "both"}:
            thermal["Thermal"] = _link("/redfish/v1/Chassis/U/Thermal")
        if self.thermal in {"new", "both"}:
            thermal["ThermalSubsystem"] = _link("/redfish/v1/Chassis/U/TS")
        drives = {
            f"{base}/Drives/{n}": {
                "Name": f"Disk {n}",
                "CapacityBytes": gib << 30,
                "Model": "PM9A3",
            }
            for n, gib in enumerate(self.disks_gib)
        }
        nics = {
            f"{base}/Nics/{n}": {"Id": f"NIC.{n}", "PermanentMACAddress": mac.upper()}
            for n, mac in enumerate(self.macs)
        }
        options = {
            f"{base}/BootOptions/{n}": {"BootOptionReference": f"Boot000{n}", "Alias": alias}
            for n, alias in enumerate(("Hdd", "Pxe", "Cd", "Pxe"), start=1)
        }
        firmware = {f"/redfish/v1/FW/{n}": {"Name": n, "Version": "1.2"} for n in ("CPLD", "PSU1")}
        found = {
            "/redfish/v1/Systems": _collection([base]),
            base: self._system() | {"@odata.id": base},
            f"{base}/Nics": _collection(nics),
            f"{base}/Storage": _collection([f"{base}/Storage/1"]),
            f"{base}/Storage/1": {"Id": "1", "Drives": [_link(path) for path in drives]},
            f"{base}/Bios": {"Attributes": self.bios, "@Redfish.Settings": self._settings()},
            f"{base}/Bios/Settings": {"Attributes": self.bios_later},
            f"{base}/BootOptions": _collection(options),
            **options,
            "/redfish/v1/Managers/bmc": {
                "Model": "AST2600",
                "FirmwareVersion": "4.10",
                **({"VirtualMedia": _link(MEDIA)} if self.media_under == "manager" else {}),
            },
            MEDIA: _collection([f"{MEDIA}/{drive}" for drive in self.images]),
            **{f"{MEDIA}/{drive}": self._drive(drive) for drive in self.images},
            "/redfish/v1/Chassis/U": {"Id": "U", **thermal},
            "/redfish/v1/Chassis/U/Thermal": {"Temperatures": self._temperatures()},
            "/redfish/v1/Chassis/U/TS": {"ThermalMetrics": _link("/redfish/v1/Chassis/U/TM")},
            "/redfish/v1/Chassis/U/TM": {
                "TemperatureSummaryCelsius": {"Intake": {"Reading": self.inlet}}
            },
            "/redfish/v1/Sessions": _collection(self.sessions.values()),
            "/redfish/v1/AccountService": {"Accounts": _link("/redfish/v1/Accounts")},
            "/redfish/v1/Accounts": _collection(
                ["/redfish/v1/Accounts/1", "/redfish/v1/Accounts/7"]
            ),
            "/redfish/v1/Accounts/1": {"UserName": "admin"},
            "/redfish/v1/Accounts/7": {"UserName": self.user},
            "/redfish/v1/UpdateService": {"FirmwareInventory": _link("/redfish/v1/FW")},
            "/redfish/v1/FW": _collection(firmware),
            **{uri: {"UserName": self.user} for uri in self.sessions.values()},
            **drives,
            **nics,
            **firmware,
        }
        return {path: _whole(path, resource) for path, resource in found.items()}

    def _system(self) -> dict[str, Any]:
        base = self.base
        return {
            "Manufacturer": self.manufacturer,
            "Model": self.model,
            "SerialNumber": self.serial,
            "UUID": "6a1d9b4e-0000-4000-8000-000000000001",
            "BiosVersion": "5.10",
            "PowerState": self.power,
            "IndicatorLED": self.led,
            "Status": {"Health": "OK"},
            "ProcessorSummary": {
                "Count": 2,
                "Model": "Xeon 6338",
                "LogicalProcessorCount": self.threads,
            },
            "MemorySummary": {"TotalSystemMemoryGiB": self.memory_gib},
            "AssetTag": self.asset_tag,
            **({"VirtualMedia": _link(MEDIA)} if self.media_under == "system" else {}),
            "Boot": {**self.boot, "BootOptions": _link(f"{base}/BootOptions")},
            "Bios": _link(f"{base}/Bios"),
            "EthernetInterfaces": _link(f"{base}/Nics"),
            "Storage": _link(f"{base}/Storage"),
            "Links": {
                "Chassis": [_link("/redfish/v1/Chassis/U")],
                "ManagedBy": [_link("/redfish/v1/Managers/bmc")],
            },
            "Actions": {"#ComputerSystem.Reset": {"target": f"{base}/Actions/Reset"}}
            if self.tells_reset
            else {},
        }

    def _drive(self, drive: str) -> dict[str, Any]:
        path = f"{MEDIA}/{drive}"
        actions = {
            f"#VirtualMedia.{act}Media": {"target": f"{path}/Actions/{act}"}
            for act in ("Insert", "Eject")
        }
        image = self.images[drive]
        return {
            "MediaTypes": ["CD", "DVD"] if drive == "Cd" else ["USBStick"],
            "Image": None if self.hides_image else image or None,
            "Inserted": bool(image),
            "Actions": actions if self.media_actions else {},
        }

    def _settings(self) -> dict[str, Any]:
        settings = _link(f"{self.base}/Bios/Settings")
        return {"SettingsObject": settings, "SupportedApplyTimes": self.apply_times}

    def _temperatures(self) -> list[dict[str, Any]]:
        return [
            {"PhysicalContext": "CPU", "ReadingCelsius": 71, "Status": {"State": "Enabled"}},
            {
                "PhysicalContext": "Intake",
                "ReadingCelsius": self.inlet,
                "Status": {"State": self.inlet_state},
            },
        ]

    def _expanded(self, found: dict[str, Any], levels: int) -> dict[str, Any]:
        whole = self._resources()
        members = [dict(whole[one["@odata.id"]]) for one in found.get("Members", ())]
        if levels == 2:
            for member in members:
                member["Drives"] = [whole[one["@odata.id"]] for one in member.get("Drives", ())]
        return {**found, "Members": members}


def _whole(path: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Add what the standard requires of every resource (DSP0268)."""
    name = path.rpartition("/")[2]
    return {"@odata.id": path, "@odata.type": "#Played.v1_0_0.Played", "Id": name, "Name": name} | (
        resource
    )


def _link(path: str) -> dict[str, str]:
    return {"@odata.id": path}


def _collection(paths: Any) -> dict[str, Any]:
    return {"Members": [_link(path) for path in paths]}


def _error(message: str, *arguments: str) -> dict[str, Any]:
    told = {"MessageId": message, "MessageArgs": list(arguments)}
    return {"error": {"code": message, "message": message, "@Message.ExtendedInfo": [told]}}


# ---- HTTP


class BmcServers:
    """All BMCs of a test in one thread, each on a port of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, bmc: Bmc, *, certificate: Path | None = None) -> Bmc:
        """Serve a BMC; with a certificate (PEM, with its key) over TLS."""
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        bmc.secure = context is not None
        bmc.port = self._run(self._serve(bmc, context))
        return bmc

    def close(self) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _serve(self, bmc: Bmc, context: ssl.SSLContext | None) -> int:
        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            try:
                while await _serve_one(bmc, reader, writer):
                    pass
            except (
                ConnectionError,
                asyncio.IncompleteReadError,
                asyncio.CancelledError,
                ssl.SSLError,
            ):
                return
            finally:
                writer.close()

        server = await asyncio.start_server(meet, "127.0.0.1", bmc.port, ssl=context)
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def _serve_one(bmc: Bmc, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    status, more, content = await bmc.answer(method, target, headers, body)
    fault = bmc.fault if method == "GET" and target not in OPEN and bmc.fault_at in target else ""
    if fault == "invalid":
        content = b'{"Members": [' + content[:7]
    framed = f"Content-Length: {len(content)}"
    if bmc.framing == "chunked" and content:
        framed, parts = "Transfer-Encoding: chunked", (content[:50], content[50:])
        content = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part)
        content += b"0\r\n\r\n"
    if bmc.framing == "close":
        framed = "Connection: close"
    lines = [f"HTTP/1.1 {status} {REASONS[status]}", framed]
    lines += [f"{name}: {value}" for name, value in more.items()]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
    return await _write(writer, raw, fault) and bmc.framing != "close"


async def _write(writer: asyncio.StreamWriter, raw: bytes, fault: str) -> bool:
    if fault == "hang":
        await asyncio.sleep(3600)
    if fault == "drip":
        for byte in raw:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)
        return False
    writer.write(raw[: len(raw) // 2 + 40] if fault == "half" else raw)
    await writer.drain()
    return fault != "half"


@contextmanager
def bmc_servers() -> Iterator[BmcServers]:
    """Serve BMCs for as long as the block lasts."""
    servers = BmcServers()
    try:
        yield servers
    finally:
        servers.close()
