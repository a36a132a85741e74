"""Push to 50 switches that take 100 ms for each answer, and read them back.

The switches are played by processes of their own, so that their work is not counted as ours.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from orchestrator.model.units import Json
from orchestrator.providers.device.access import DeviceAccess
from orchestrator.providers.device.kinds import NetworkDeviceKind
from tests.contract.pushing import REFERENCE, OneSecret
from tests.contract.switch_double import PASSWORD, USER, SwitchDouble

SWITCHES = 50
SERVERS = 2
DELAY_SECONDS = 0.1
RULES = 40
AT_ONCE = (64,)
"""What `apply --parallel 16`, the default, lets in of the network layer."""


def main() -> None:
    """Print what it takes."""
    _say(f"{SWITCHES} switches, {RULES} rules each, {DELAY_SECONDS * 1000:.0f} ms for an answer")
    for at_once in AT_ONCE:
        with tempfile.TemporaryDirectory() as folder, _switches() as ports:
            _measure(NetworkDeviceKind(_access(Path(folder), ports)), len(ports), at_once)


def _measure(kind: NetworkDeviceKind, count: int, at_once: int) -> None:
    def timed(device: dict[str, Json]) -> float:
        return _seconds(lambda: kind.create(device))

    devices = [_inputs(kind, number) for number in range(count)]
    alone = timed(devices[0])
    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pushing:
        slowest = max(pushing.map(timed, devices[1:]))
    whole = time.monotonic() - began
    _say(f"push, one alone           {alone:8.2f} s")
    _say(f"push, {at_once:2} at a time      {whole:8.2f} s   slowest {slowest:.2f} s")
    recorded = {str(number): device for number, device in enumerate(devices)}
    taken = _seconds(lambda: kind.observe(recorded))
    _say(f"read all                  {taken:8.2f} s")


def _access(folder: Path, ports: list[int]) -> DeviceAccess:
    places = {
        f"10.0.0.{number}": {"host": "127.0.0.1", "port": port} for number, port in enumerate(ports)
    }
    return DeviceAccess(endpoints={"ssh": places}, secrets=OneSecret(PASSWORD), folder=folder)


def _inputs(kind: NetworkDeviceKind, number: int) -> dict[str, Json]:
    rules = "\n".join(f" rule {5 * index} permit ip" for index in range(1, RULES + 1))
    text = f"#\nsysname leaf-{number}\n#\nacl name ZONES4 advance\n{rules}\n#\nreturn\n"
    checked, faults = kind.check(
        {
            "name": f"leaf-{number}",
            "platform": "vrp",
            "model": "CE6881-48S6CQ",
            "address": f"10.0.0.{number}",
            "login": {"user": USER, "password": str(REFERENCE)},
            "text": text,
        }
    )
    assert not faults
    return dict(checked)


@contextmanager
def _switches() -> Iterator[list[int]]:
    share = SWITCHES // SERVERS
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.push", "serve", str(share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(SERVERS)
    ]
    try:
        yield [
            int(port)
            for each in processes
            for port in (each.stdout or sys.stdin).readline().split()
        ]
    finally:
        for process in processes:
            process.terminate()
            process.communicate(timeout=10)


def _serve(count: int) -> None:
    switches = [SwitchDouble("vrp", latency_seconds=DELAY_SECONDS) for _ in range(count)]
    sys.stdout.write(" ".join(str(switch.port) for switch in switches) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        _serve(int(sys.argv[2]))
    else:
        main()
