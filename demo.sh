#!/bin/sh
# The main job, end to end, on the lab: what `make demo` runs. Bounded, and safe to run twice.
set -eu
site=inventory/yangzhou
export COLUMNS="${COLUMNS:-110}"

step() { printf '\n== %s\n' "$1" >&2; }

# Says whether the lab has some: devices, or hosts.
lab_has() {
    orchestrator lab status -o json |
        python -c 'import json, sys; sys.exit(not json.load(sys.stdin)[sys.argv[1]])' "$1"
}

step "1/8 Start the lab: a real OpenStack, BMCs, SNMP agents, network devices and hosts for $site"
orchestrator lab up "$site" --hosts
eval "$(orchestrator lab env)"
# Network devices are namespaces, which only root can make; without them that layer has nobody to
# speak to.
layers=""
if ! lab_has devices; then
    layers="--layer room --layer hardware --layer system --layer tenancy"
    echo "The network layer is left out: its devices need root (see above)." >&2
fi

step "2/8 Check the site"
orchestrator check "$site"

step "3/8 Plan"
# shellcheck disable=SC2086 # several words, or none
orchestrator plan "$site" $layers --out .lab/demo.plan

step "4/8 Apply the plan that was just shown"
orchestrator apply .lab/demo.plan

step "5/8 Plan again: nothing is left to do"
# shellcheck disable=SC2086 # several words, or none
orchestrator plan "$site" $layers --detailed-exitcode

if lab_has hosts; then
    step "6/8 Bring a base database to its hosts: a primary, a replica near, a replica far"
    export ORCHESTRATOR_SITE="$site"
    orchestrator service apply gongan/population --yes
    orchestrator service status gongan/population

    step "7/8 Copy it into two append-only places"
    orchestrator backup prepare gongan/population --yes
    orchestrator backup run gongan/population

    step "8/8 Prove the far copy: restored on a bare host, compared, measured, signed"
    orchestrator drill run gongan/population
else
    echo "Databases, backups and drills are left out: the lab's hosts need root (see above)." >&2
fi

cat >&2 <<'END'

Done. The lab is still up. To look around:
  eval "$(.venv/bin/orchestrator lab env)"
  openstack domain list                  # the standard client sees every department
  orchestrator status inventory/yangzhou
  orchestrator network verify --live     # as root: packets between the zones, through the firewalls
  orchestrator service status --site inventory/yangzhou gongan/population  # as root
  orchestrator lab down                  # when you have seen enough
END
