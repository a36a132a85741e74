"""Sweep 376 BMCs that take 100 ms for each answer: over TLS, in a process of its own.

Then read what is kept on them, as a plan with nothing to do does.

The floor is what the waiting alone costs: calls x 0.1 s / BMCs at a time. The BMCs are played by
another process on the same cores.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

BMCS = 376
DELAY_SECONDS = 0.1
PARALLEL = 64
CELLS = ((True, True), (False, True), (False, False))
"""(expands, TLS): BMCs that can expand a collection need fewer calls."""


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(expands=sys.argv[2] == "True", secure=sys.argv[3] == "True", folder=Path(sys.argv[4]))
    elif sys.argv[1:2] == ["sweep"]:
        sweep(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["settings"]:
        settings(Path(sys.argv[2]))
    else:
        for expands, secure in CELLS:
            measure(expands=expands, secure=secure)


def measure(*, expands: bool, secure: bool) -> None:
    """Run one cell: BMCs in one process, the sweep in another."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "tests.bench.sweep"]
        with subprocess.Popen(
            [*words, "serve", str(expands), str(secure), folder],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        ) as playing:
            assert playing.stdout is not None and playing.stdin is not None
            assert playing.stdout.readline() == "ready\n"
            how = f"{'TLS' if secure else 'plain'}, {'with' if expands else 'without'} $expand"
            sys.stdout.write(f"  {how}: ")
            sys.stdout.flush()
            subprocess.run([*words, "sweep", folder], check=True, timeout=300)
            subprocess.run([*words, "settings", folder], check=True, timeout=300)
            playing.stdin.close()
            left, most = playing.stdout.readline().split()
            sys.stdout.write(f"    sessions left {left}, most at once on one BMC {most}\n")


def serve(*, expands: bool, secure: bool, folder: Path) -> None:
    """Play the BMCs until stdin closes; write where they are."""
    from tests.fakes.bmc_certificate import certificate
    from tests.fakes.bmc_server import Bmc, bmc_servers

    pem = certificate(folder / "bmc.pem") if secure else None
    with bmc_servers() as servers:
        bmcs = [
            servers.start(
                Bmc(
                    manufacturer="INSPUR",
                    serial=f"SN-{number}",
                    delay=DELAY_SECONDS,
                    expands=expands,
                ),
                certificate=pem,
            )
            for number in range(BMCS)
        ]
        reached = {address(number): {"url": bmc.url} for number, bmc in enumerate(bmcs)}
        (folder / "endpoints.json").write_text(json.dumps({"bmc": reached}))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
        left = sum(len(bmc.sessions) for bmc in bmcs)
        sys.stdout.write(f"{left} {max(bmc.most_at_once for bmc in bmcs)}\n")
        sys.stdout.flush()


def settings(folder: Path) -> None:
    """Read what a plan compares of them: BIOS attributes and asset tag, all as declared."""
    from orchestrator.providers.redfish.bmcs import RedfishBmcs
    from orchestrator.providers.redfish.kinds import SettingsKind
    from tests.fakes.bmc_site import REFERENCE, SecretsInMemory

    bmcs = RedfishBmcs(
        endpoints=json.loads((folder / "endpoints.json").read_text()),
        secrets=SecretsInMemory({REFERENCE: "first-password"}),
        folder=folder / "state",
    )
    declared = {
        f"redfish://{address(number)}": {
            "server": "",
            "bmc_address": address(number),
            "bmc_user": "orchestrator",
            "bmc_password": str(REFERENCE),
            "asset_tag": "",
            "bios": {"BootMode": "Uefi", "Turbo": "Enabled"},
        }
        for number in range(BMCS)
    }
    begun = time.monotonic()
    found = SettingsKind(bmcs).observe(declared)
    seconds = time.monotonic() - begun
    same = sum(
        one.properties["bios"] == {"BootMode": "Uefi", "Turbo": "Enabled"} for one in found.values()
    )
    sys.stdout.write(
        f"    settings of all, nothing changed: {seconds:.1f} s, {bmcs.calls:,} calls, "
        f"{bmcs.calls / BMCS:.0f} a BMC with login and logout; {same} as declared\n"
    )


def sweep(folder: Path) -> None:
    """Ask them all, and print what it took."""
    from orchestrator.model.site import HardwareLayer, Site, SiteIdentity
    from orchestrator.model.units import Text
    from orchestrator.model.verdict import Verdict
    from orchestrator.providers.redfish.bmcs import RedfishBmcs
    from orchestrator.workflows.hardware import Look
    from orchestrator.workflows.hardware import sweep as ask_all
    from tests.fakes.bmc_site import PROFILE, REFERENCE, SecretsInMemory, server

    name = Text(zh="小城", en="Small City")
    servers = [server(f"srv-{n}", address(n), f"SN-{n}") for n in range(BMCS)]
    site = Site(
        identity=SiteIdentity(name="bench", display=name, cloud="none"),
        regions=(),
        hardware=HardwareLayer(profiles=(replace(PROFILE),), servers=tuple(servers)),
    )
    bmcs = RedfishBmcs(
        endpoints=json.loads((folder / "endpoints.json").read_text()),
        secrets=SecretsInMemory({REFERENCE: "first-password"}),
        folder=folder / "state",
    )
    begun = time.monotonic()
    found = ask_all(site, servers, Look(bmcs=bmcs), parallel=PARALLEL, told=lambda report: None)
    seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    floor = bmcs.calls * DELAY_SECONDS / PARALLEL
    sys.stdout.write(
        f"{seconds:.1f} s (floor {floor:.1f} s), {peak:.0f} MiB, {bmcs.calls:,} calls, "
        f"{bmcs.calls / BMCS:.0f} a BMC, {PARALLEL} at a time; CPU {time.process_time():.1f} s; "
        f"{found.count(Verdict.PASS)} of {len(servers)} as declared\n"
    )
    sys.stdout.flush()


def address(number: int) -> str:
    return str(ip_address("10.9.0.0") + number)


if __name__ == "__main__":
    main()
