"""Services: what is declared, what will be done, how they are, how they are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.cli.render.names import both, plural
from orchestrator.cli.render.table import table
from orchestrator.model.data_level import DatabaseRole
from orchestrator.model.declared_service import DeclaredService, hosts_of
from orchestrator.model.service_plan import ClusterAct, ClusterHealth, Health, ServicePlan
from orchestrator.model.service_state import HostDatabases, Observed
from orchestrator.model.site import Site
from orchestrator.model.units import Json
from orchestrator.planning.services import facts_of
from orchestrator.ports import SecretStore

STYLES = {
    Health.OK: "green",
    Health.LAGGING: "yellow",
    Health.WAITS: "yellow",
    Health.UNKNOWN: "magenta",
}
BAD = "bold red"
Judged = Mapping[str, Sequence[ClusterHealth]]


def services_table(services: Sequence[DeclaredService]) -> Table:
    """Return the declared services, one a line."""
    rows = [
        (
            one.name,
            f"{one.facts.display} {one.service.version}"
            + ("" if one.facts.runs_here else " (not run here)"),
            f"L{one.data_level}",
            str(one.service.port),
            ", ".join(one.service.hosts),
            one.backup or "none",
        )
        for one in services
    ]
    return table(("Service", "Engine", "Data", "Port", "Hosts", "Backup"), rows)


def service_parts(declared: DeclaredService) -> list[RenderableType]:
    """Return all that is declared of one service."""
    facts, rules, service = declared.facts, declared.rules, declared.service
    here = "yes" if facts.runs_here else "no: not run here; it is rendered and checked only"
    rows = [
        ("name", both(service.display)),
        ("engine", f"{facts.display} {service.version}"),
        ("runs here", here),
        ("maker's licence", "needed" if facts.licensed else "none"),
        ("client, backup, availability", f"{facts.client}; {facts.backup_tool}; "
         f"{facts.availability_tool}"),
        ("cluster", declared.cluster),
        ("database", declared.database),
        ("hosts", ", ".join(service.hosts)),
        ("port", str(service.port)),
        ("storage", f"{service.storage_gib} GiB"),
        ("extensions", ", ".join(("pgaudit", *service.extensions))),
        ("data level", f"L{declared.data_level} ({rules.source})"),
        ("roles", ", ".join(rules.roles)),
        ("TLS", "required" if rules.tls_required else "offered"),
        ("audit", rules.audit),
        ("connections logged", "yes" if rules.log_connections else "no"),
        ("backup policy", declared.backup or "none"),
        *(("note", note) for note in rules.notes),
    ]  # fmt: skip
    return [Text(declared.name, "bold"), table(("Of it", "Value"), rows)]


def service_json(declared: DeclaredService) -> dict[str, Json]:
    """Return one declared service for machines."""
    facts, rules, service = declared.facts, declared.rules, declared.service
    return {
        "service": declared.name,
        "engine": service.engine.value,
        "version": service.version,
        "runs_here": facts.runs_here,
        "licensed": facts.licensed,
        "cluster": declared.cluster,
        "database": declared.database,
        "hosts": list(service.hosts),
        "port": service.port,
        "storage_gib": service.storage_gib,
        "extensions": list(service.extensions),
        "data_level": declared.data_level,
        "roles": [role.value for role in rules.roles],
        "tls_required": rules.tls_required,
        "audit": rules.audit,
        "notes": list(rules.notes),
        "backup": declared.backup,
    }


def plan_parts(plans: Sequence[ServicePlan]) -> list[RenderableType]:
    """Return what will be done, service by service."""
    rows: list[tuple[str | Text, ...]] = []
    for plan in plans:
        name = plan.declared.name
        if plan.refusal is not None:
            words = f"{plan.refusal.reason}. {plan.refusal.remedy}"
            rows.append((name, "", Text("refused", BAD), words))
        for step in plan.steps:
            style = "" if step.act in {ClusterAct.KEEP_PRIMARY, ClusterAct.KEEP_REPLICA} else "bold"
            rows.append((name, step.server.name, Text(step.act.value, style), step.reason))
    return [table(("Service", "Host", "Act", "Reason"), rows), Text()]


def status_parts(
    site: Site, services: Sequence[DeclaredService], observed: Observed, *, judged: Judged
) -> list[RenderableType]:
    """Return how each cluster is."""
    rows = []
    for declared in services:
        facts = facts_of(site, declared, observed)
        for one in judged[declared.name]:
            found = facts[one.host]
            behind = [] if one.lag_bytes is None else [f"{one.lag_bytes} B"]
            if found.lag_seconds is not None:
                behind.append(f"{found.lag_seconds:.0f} s")
            if found.received is not None and found.lsn is not None:
                waiting = found.received - found.lsn
                behind += [f"{waiting} B not applied"] if waiting > 0 else []
            notes = [one.reason] if one.reason else []
            if found.restart_pending:
                notes.append(f"restart for {', '.join(found.restart_pending)}")
            rows.append(
                (
                    declared.name,
                    one.host,
                    found.role.value,
                    Text(one.health.value, STYLES.get(one.health, BAD)),
                    ", ".join(behind),
                    found.version.split(" ")[0],
                    "" if found.size_bytes is None else f"{found.size_bytes / 2**20:.0f} MiB",
                    _until(observed[one.host]),
                    "; ".join(notes),
                )
            )
    heads = (
        "Service", "Host", "Role", "Health", "Behind", "Version", "Size", "TLS until", "Note",
    )  # fmt: skip
    well = sum(one.health is Health.OK for each in judged.values() for one in each)
    total = sum(len(each) for each in judged.values())
    return [
        table(heads, rows),
        Text(),
        Text(f"{plural(len(services), 'service')}, {well} of {total} clusters ok.", "bold"),
    ]


def status_json(
    site: Site, services: Sequence[DeclaredService], observed: Observed, *, judged: Judged
) -> dict[str, Json]:
    """Return it for machines."""
    return {
        "services": [
            {
                "service": declared.name,
                "clusters": [
                    _cluster_json(site, declared, observed, one=one)
                    for one in judged[declared.name]
                ],
            }
            for declared in services
        ]
    }


def _cluster_json(
    site: Site, declared: DeclaredService, observed: Observed, *, one: ClusterHealth
) -> Json:
    found = facts_of(site, declared, observed)[one.host]
    return {
        "host": one.host,
        "role": found.role.value,
        "health": one.health.value,
        "reason": one.reason,
        "lag_bytes": one.lag_bytes,
        "lag_seconds": found.lag_seconds,
        "replayed_lsn": found.lsn,
        "received_lsn": found.received,
        "version": found.version,
        "timeline": found.timeline,
        "size_bytes": found.size_bytes,
        "extensions": list(found.extensions),
        "restart_pending": list(found.restart_pending),
        "tls_until": _until(observed[one.host]) or None,
    }


def connection_of(
    site: Site, declared: DeclaredService, role: str, *, secrets: SecretStore
) -> dict[str, Json]:
    """Return how a role reaches a service; its login, and where its password is."""
    ref = declared.login_ref(DatabaseRole(role))
    login = f"{role}_a"
    made = ref in secrets.names()
    if made:
        login = secrets.get(ref).reveal().partition(":")[0]
    places = ",".join(
        f"{server.address}:{declared.service.port}" for server in hosts_of(site, declared)
    )
    mode = "verify-full" if declared.rules.tls_required else "prefer"
    attributes = f"sslmode={mode}&sslrootcert=site-ca.crt&target_session_attrs=read-write"
    return {
        "service": declared.name,
        "role": role,
        "login": login,
        "secret": str(ref),
        "secret_made": made,
        "connection": f"postgresql://{login}@{places}/{declared.database}?{attributes}",
    }


def connection_parts(found: Mapping[str, Json]) -> list[RenderableType]:
    """Return it for people."""
    made = "" if found["secret_made"] else " (not made yet: `service apply` makes it)"
    rows = [
        ("connection", str(found["connection"])),
        ("password", f"{found['secret']}, after the colon{made}"),
        ("site-ca.crt", f"orchestrator service connection {found['service']} --ca"),
    ]
    return [table(("Of it", "Value"), rows)]


def _until(host: HostDatabases) -> str:
    return "" if host.certificate_until is None else f"{host.certificate_until:%Y-%m-%d}"
