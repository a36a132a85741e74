"""Decide what an acceptance test asks of a host, and judge what it answers."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.acceptance import Acceptance, Burn, HostFacts, Load
from orchestrator.model.hardware import HardwareProfile
from orchestrator.model.inventory import Comparison
from orchestrator.model.units import Json
from orchestrator.model.verdict import Verdict

LOOK = """\
echo "container=$(systemd-detect-virt --container 2>/dev/null | grep -v '^none$')"
echo "cpus=$(nproc --all)"
echo "memory_kib=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)"
echo "disk_bytes=$(lsblk -b -d -n -o TYPE,SIZE 2>/dev/null |
  awk '$1 == "disk" {sum += $2; seen = 1} END {if (seen) printf "%.0f", sum}')"
if errors=$(dmesg --level=emerg,alert,crit,err 2>/dev/null); then
  echo "kernel_errors=$(printf '%s' "$errors" | grep -c .)"
fi
if counts=$(cat /sys/devices/system/edac/mc/mc*/[cu]e_count 2>/dev/null); then
  echo "memory_errors=$(echo "$counts" | awk '{sum += $1} END {print sum}')"
fi
echo "loader=$(command -v stress-ng)"
"""
"""Prints `name=value` lines; what cannot be read has no value."""

MEMORY_SHARE = 0.08
"""Of the declared memory that firmware and kernel may keep for themselves."""

DISK_SHARE = 0.07
"""Of the declared disk: a maker's GB against our GiB."""

SMALL = "64M"
"""Memory and disk of a load in a container, which shares its machine with others."""

BAD_STATUS = {
    1: "stress-ng could not run it",
    2: "it computed or stored something wrong",
    3: "there was no room for it",
    5: "it was killed",
}
"""Exit statuses of stress-ng(1)."""


def read_facts(printed: str) -> HostFacts:
    """Return what `LOOK` printed."""
    told = dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)
    kib, disk = _whole(told, "memory_kib"), _whole(told, "disk_bytes")
    return HostFacts(
        container=told.get("container", "").strip(),
        cpus=_whole(told, "cpus"),
        memory_mib=None if kib is None else kib // 1024,
        disks_gib=None if disk is None else disk / 2**30,
        kernel_errors=_whole(told, "kernel_errors"),
        memory_errors=_whole(told, "memory_errors"),
        loader=bool(told.get("loader", "").strip()),
    )


def compare_facts(profile: HardwareProfile, told: HostFacts) -> tuple[Comparison, ...]:
    """Compare what a host sees with its hardware profile; a container sees its machine's."""
    memory = None if told.memory_mib is None else told.memory_mib / 1024
    return (
        _at_least("cpu threads", profile.cpu_threads, told.cpus, share=0.0, host=told),
        _at_least("memory GiB", profile.memory_gib, memory, share=MEMORY_SHARE, host=told),
        _at_least("disk GiB", profile.disk_gib, told.disks_gib, share=DISK_SHARE, host=told),
    )


def burn_command(load: Load, seconds: int, told: HostFacts) -> str:
    """Return the command that puts the load on the host for some seconds."""
    contained = bool(told.container)
    each = "1" if contained else "0"
    sizes = {
        Load.CPU: f"--cpu {each}",
        Load.MEMORY: f"--vm {each} --vm-bytes {SMALL if contained else '80%'} --vm-keep",
        Load.DISK: f"--hdd 1 --hdd-bytes {SMALL if contained else '10%'} --temp-path /var/tmp",
    }
    return f"stress-ng {sizes[load]} --verify --timeout {seconds}s --quiet"


def judge_burn(load: Load, seconds: int, *, command: str, status: int) -> Burn:
    """Judge a load by the exit status of its command."""
    good = status == 0
    detail = f"stood it for {seconds} s" if good else BAD_STATUS.get(status, f"status {status}")
    verdict = Verdict.PASS if good else Verdict.FAIL
    return Burn(load=load, seconds=seconds, command=command, verdict=verdict, detail=detail)


def compare_counters(before: HostFacts, after: HostFacts | None) -> tuple[Comparison, ...]:
    """Compare the counts of errors before and after the loads."""
    return (
        _counter("kernel errors", before, after, name="kernel_errors"),
        _counter("memory errors", before, after, name="memory_errors"),
    )


def acceptance_json(report: Acceptance, *, form: str) -> dict[str, Json]:
    """Return the report as it is signed and kept."""
    return {
        "format": form,
        "site": report.site,
        "server": report.server,
        "serial": report.serial,
        "profile": report.profile,
        "begun": report.begun,
        "ended": report.ended,
        "verdict": report.verdict.value,
        "facts": [_comparison_json(one) for one in report.facts],
        "burns": [
            {
                "load": one.load.value,
                "seconds": one.seconds,
                "command": one.command,
                "verdict": one.verdict.value,
                "detail": one.detail,
            }
            for one in report.burns
        ],
        "counters": [_comparison_json(one) for one in report.counters],
    }


def _comparison_json(one: Comparison) -> Json:
    return {
        "fact": one.fact,
        "declared": one.declared,
        "found": one.found,
        "verdict": one.verdict.value,
    }


def _at_least(
    fact: str, declared: int, found: float | None, *, share: float, host: HostFacts
) -> Comparison:
    if host.container or found is None:
        why = f"it runs in {host.container} and sees its machine's" if host.container else ""
        return _unknown(fact, str(declared), why or "the host does not tell")
    verdict = Verdict.PASS if declared * (1 - share) <= found else Verdict.FAIL
    return Comparison(fact=fact, declared=str(declared), found=f"{found:.0f}", verdict=verdict)


def _counter(fact: str, before: HostFacts, after: HostFacts | None, *, name: str) -> Comparison:
    declared = "no new ones"
    if before.container:
        why = f"it runs in {before.container} and sees its machine's"
        return _unknown(fact, declared, why)
    first: int | None = getattr(before, name)
    last: int | None = getattr(after, name) if after else None
    if first is None or last is None:
        return _unknown(fact, declared, "the host does not tell")
    verdict = Verdict.FAIL if last > first else Verdict.PASS
    return Comparison(fact=fact, declared=declared, found=f"{last - first} new", verdict=verdict)


def _unknown(fact: str, declared: str, why: str) -> Comparison:
    return Comparison(fact=fact, declared=declared, found=why, verdict=Verdict.UNKNOWN)


def _whole(told: Mapping[str, str], name: str) -> int | None:
    value = told.get(name, "").strip()
    return int(value) if value.isdecimal() else None
