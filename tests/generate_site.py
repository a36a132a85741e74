"""Write a large site without a fault: by rack with ranges, tenants written out.

`python -m tests.generate_site DIRECTORY [RACKS] [SERVERS_PER_RACK] [TENANTS]`
"""

import sys
from pathlib import Path

RACKS_PER_PANEL = 10
RACKS_PER_ROOM = 50
MOST_RACKS = 1000
MOST_SERVERS_PER_RACK = 20
MOST_TENANTS = 60_000


def generate(
    directory: Path, *, racks: int = 500, servers_per_rack: int = 20, tenants: int = 1000
) -> None:
    """Write the site's files into a directory, which is made where it is missing."""
    # The address plan has room for so many and no more.
    assert 1 <= racks <= MOST_RACKS
    assert 1 <= servers_per_rack <= MOST_SERVERS_PER_RACK
    assert 0 <= tenants <= MOST_TENANTS
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        "site.yaml": SITE,
        "room.yaml": _room(racks),
        "network.yaml": _network(racks, tenants),
        "hardware.yaml": _hardware(racks, servers_per_rack),
        "system.yaml": SYSTEM,
        "tenancy.yaml": _tenancy(tenants),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


SITE = """\
site: {name: large, display: {zh: 大城, en: Large City}, cloud: large}
regions:
  - {name: city, kind: city, display: {zh: 市本级, en: City}}
  - {name: dr, kind: disaster-recovery, display: {zh: 灾备中心, en: Recovery}}
"""

SYSTEM = """\
flavors:
  - {name: small, vcpus: 2, memory_mib: 4096, disk_gib: 40}
host_aggregates:
  - {name: az1, availability_zone: az1, region: city}
backup_policies:
  - name: daily
    grade: 3
    rpo_minutes: 1440
    rto_minutes: 720
    keep_days: 30
    copies: [city, dr]
    drill_every_days: 90
"""


def _room(racks: int) -> str:
    rooms, sources, ups, panels, cooling, rack_entries, sensors = [], [], [], [], [], [], []
    for room in range(-(-racks // RACKS_PER_ROOM)):
        name = f"room-{room}"
        rooms.append(
            f"  - {{name: {name}, region: city, display: {{zh: 机房, en: Room}}, grade: A, "
            "area_m2: 200, clear_height_m: 3, floor_load_kn_m2: 10}"
        )
        cooling.append(f'  - {{name: "{name}-c{{1..3}}", room: {name}, capacity_watts: 300000}}')
        ups += [
            f"  - {{name: {name}-ups-{side.lower()}, room: {name}, side: {side}, "
            f"capacity_watts: 500000, battery_minutes: 15, fed_by: [{name}-grid-{side.lower()}]}}"
            for side in "AB"
        ]
        sources += [
            f"  - {{name: {name}-grid-{side.lower()}, room: {name}, kind: utility, side: {side}, "
            "capacity_watts: 600000}"
            for side in "AB"
        ]
        sensors += [
            f"  - {{name: {name}-{kind}, room: {name}, kind: {kind}}}"
            for kind in ("temperature", "humidity", "leak", "smoke", "door")
        ]
    for panel in range(-(-racks // RACKS_PER_PANEL)):
        room = panel * RACKS_PER_PANEL // RACKS_PER_ROOM
        panels += [
            f"  - {{name: panel-{panel}-{side.lower()}, room: room-{room}, side: {side}, "
            f"capacity_watts: 90000, fed_by: [room-{room}-ups-{side.lower()}]}}"
            for side in "AB"
        ]
    for rack in range(racks):
        panel = rack // RACKS_PER_PANEL
        rack_entries.append(f"""\
  - name: rack-{rack:03}
    room: room-{rack // RACKS_PER_ROOM}
    row: row-{panel}
    position: {rack % RACKS_PER_PANEL + 1}
    max_watts: 9000
    max_weight_kg: 900
    feeds:
      - {{side: A, panel: panel-{panel}-a, phases: 3}}
      - {{side: B, panel: panel-{panel}-b, phases: 3}}""")
    lists = {
        "rooms": rooms,
        "power_sources": sources,
        "ups": ups,
        "power_panels": panels,
        "cooling_units": cooling,
        "racks": rack_entries,
        "sensors": sensors,
    }
    return _lists(lists)


def _network(racks: int, tenants: int) -> str:
    devices = [
        f"  - {{name: leaf-{rack:03}, rack: rack-{rack:03}, unit: 42, role: leaf, "
        f"vendor: Huawei, model: CE6881, ports: 54, serial: LEAF-{rack}, "
        f"address: {_block(rack)}.{_base(rack) + 60}}}"
        for rack in range(racks)
    ]
    flows = [
        f"  - {{name: flow-{tenant}, from: project/tenant-{tenant}/main, to: zone/xchg, "
        f"protocol: tcp, ports: [8443], purpose: exchange, owner: tenant-{tenant}, "
        f"ticket: T-{tenant}, expires: 2027-06-30}}"
        for tenant in range(tenants)
    ]
    fixed = """\
zones:
  - {name: egov-pub, display: {zh: 公用网络区, en: Public area}, purpose: departments}
  - {name: xchg, display: {zh: 数据交换区, en: Exchange}, purpose: exchange}
  - {name: mgmt, display: {zh: 管理区, en: Management}, purpose: operation}
prefixes:
  - {prefix: 10.0.0.0/8, region: city, zone: egov-pub, role: tenant}
  - {prefix: 172.16.0.0/16, region: city, zone: mgmt, role: out-of-band}
"""
    return fixed + _lists({"devices": devices, "flows": flows})


def _hardware(racks: int, servers_per_rack: int) -> str:
    profiles = """\
profiles:
  - name: compute-2u
    vendor: Inspur
    model: NF5280M6
    cpu_threads: 64
    memory_gib: 512
    disk_gib: 960
    height_units: 2
    nameplate_watts: 400
    weight_kg: 28
    resource_class: baremetal.compute-2u
  - name: storage-2u
    vendor: H3C
    model: R4900
    cpu_threads: 32
    memory_gib: 128
    disk_gib: 40000
    height_units: 2
    nameplate_watts: 400
    weight_kg: 28
    resource_class: baremetal.storage-2u
"""
    servers = []
    last = servers_per_rack
    for rack in range(racks):
        role = "storage" if rack % 5 == 4 else "compute"
        base = _base(rack)
        mac = f"0c:42:{rack // 256:02x}:{rack % 256:02x}"
        servers.append(
            f"""\
  - name: server-{rack:03}-{{01..{last:02}}}
    profile: {role}-2u
    role: {role}
    rack: rack-{rack:03}
    unit: "{{1..{2 * last - 1}..2}}"
    serial: SN-{rack:03}-{{01..{last:02}}}
    bmc:
      address: {_block(rack)}.{{{base + 1}..{base + last}}}
      user: admin
      password: secret://bmc/city
    nics:
      - name: eth0
        mac: {mac}:00:{{x01..x{last:02x}}}
        switch: leaf-{rack:03}
        port: "{{1..{last}}}"
        pxe: true
      - name: eth1
        mac: {mac}:01:{{x01..x{last:02x}}}
        switch: leaf-{(rack + 1) % racks:03}
        port: "{{25..{24 + last}}}"
""".rstrip()
        )
    return profiles + _lists({"servers": servers})


def _tenancy(tenants: int) -> str:
    entries = [
        f"""\
  - name: tenant-{tenant}
    display: {{zh: 部门{tenant}, en: Department {tenant}}}
    region: city
    contacts:
      - {{name: 值班室, duty: operations, email: desk-{tenant}@large.example}}
    protection_level: 3
    data_level: 2
    projects:
      - name: main
        display: {{zh: 主要系统, en: Main system}}
        region: city
        zone: egov-pub
        prefix: 10.{tenant // 256}.{tenant % 256}.0/24
        quota: {{instances: 4, cores: 8, memory_gib: 16, volumes: 8, storage_gib: 100}}
        backup: daily"""
        for tenant in range(tenants)
    ]
    return _lists({"tenants": entries})


def _lists(lists: dict[str, list[str]]) -> str:
    return "".join(
        f"{key}:\n" + "\n".join(entries) + "\n" if entries else f"{key}: []\n"
        for key, entries in lists.items()
    )


def _block(rack: int) -> str:
    """Return the first three octets of a rack's out-of-band addresses: four racks in a /24."""
    return f"172.16.{rack // 4}"


def _base(rack: int) -> int:
    return rack % 4 * 64


if __name__ == "__main__":
    target, *counts = sys.argv[1:]
    generate(
        Path(target),
        **dict(zip(("racks", "servers_per_rack", "tenants"), map(int, counts), strict=False)),
    )
