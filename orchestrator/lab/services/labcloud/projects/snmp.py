"""The room's PDUs, UPSs and sensors: SNMP agents fed with recordings of real devices.

One process and one UDP port serve all of them; a device is chosen by its community (v2c) or its
context (v3), which is its name. The same port number answers HTTP, for the lab's status.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context

from labcloud.settings import ServiceSettings
from labcloud.snmp_device import Device, read_line, read_recording
from labcloud.wsgi import App, Environ, StartResponse, respond

MOST_VARBINDS = 64
"""In one answer, as an agent with 1500-byte packets would."""

COMMUNITY_INDEX_CHARACTERS = 32


def build(settings: ServiceSettings) -> App:
    """Start the agents in a thread of their own, and return the page that says they are there."""
    declared = json.loads((settings.config / "devices.json").read_text())
    ready = threading.Event()
    failed: list[BaseException] = []

    def serve() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        try:
            agent = start_agent(settings, declared)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failed.append(error)
            ready.set()
            return
        ready.set()
        agent.transport_dispatcher.job_started(1)
        agent.transport_dispatcher.run_dispatcher()

    threading.Thread(target=serve, daemon=True, name="snmp").start()
    ready.wait(60)
    if failed:
        raise failed[0]
    count = len(declared["devices"])

    def page(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return respond(start_response, "200 OK", f"{count} SNMP devices\n".encode())

    return page


def start_agent(settings: ServiceSettings, declared: dict[str, object]) -> engine.SnmpEngine:
    """Return the engine with all devices, listening on UDP."""
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    agent = engine.SnmpEngine()
    # Bound here and now: pysnmp would bind later, in its loop, and a port in use would go unsaid.
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", settings.port))
    listening.setblocking(False)
    config.add_transport(
        agent, udp.DOMAIN_NAME, udp.UdpAsyncioTransport().open_server_mode(sock=listening)
    )
    devices = context.SnmpContext(agent)
    for name, device in read_devices(declared, Path(str(settings.options["state"]))):
        devices.register_context_name(name.encode(), device)
        index = name[-COMMUNITY_INDEX_CHARACTERS:]
        config.add_v1_system(agent, index, name, contextName=name.encode())
    for user in declared["users"]:
        config.add_v3_user(
            agent,
            user["name"],
            config.USM_AUTH_HMAC192_SHA256,
            user["authentication"],
            config.USM_PRIV_CFB128_AES,
            user["privacy"],
        )
    cmdrsp.GetCommandResponder(agent, devices)
    cmdrsp.NextCommandResponder(agent, devices)
    cmdrsp.SetCommandResponder(agent, devices)
    cmdrsp.BulkCommandResponder(agent, devices).max_varbinds = MOST_VARBINDS
    return agent


def read_devices(declared: dict[str, object], state: Path) -> Iterable[tuple[str, Device]]:
    """Yield each device; a recording is read once for all devices of its model."""
    state.mkdir(parents=True, exist_ok=True)
    folder = Path(str(files("snmpsim_data") / "data"))
    recordings: dict[str, dict] = {"": {}}
    for device in declared["devices"]:
        name = device["recording"]
        if name not in recordings:
            recordings[name] = read_recording(folder / name, declared["subtrees"])
        made = dict(filter(None, map(read_line, device["values"])))
        yield device["name"], Device(recordings[name], made, state / f"{device['name']}.json")
