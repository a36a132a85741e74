#!/bin/sh
# The main job, end to end, on the lab: what `make demo` runs. Bounded, and safe to run twice.
set -eu
site=inventory/yangzhou
export COLUMNS="${COLUMNS:-110}"

step() { printf '\n== %s\n' "$1" >&2; }

step "1/5 Start the lab: a real OpenStack, BMCs, SNMP agents and network devices for $site"
orchestrator lab up "$site"
eval "$(orchestrator lab env)"
# Network devices are namespaces, which only root can make; without them that layer has nobody to
# speak to.
layers=""
if ! orchestrator lab status -o json |
    python -c 'import json, sys; sys.exit(not json.load(sys.stdin)["devices"])'; then
    layers="--layer room --layer hardware --layer system --layer tenancy"
    echo "The network layer is left out: its devices need root (see above)." >&2
fi

step "2/5 Check the site"
orchestrator check "$site"

step "3/5 Plan"
# shellcheck disable=SC2086 # several words, or none
orchestrator plan "$site" $layers --out .lab/demo.plan

step "4/5 Apply the plan that was just shown"
orchestrator apply .lab/demo.plan

step "5/5 Plan again: nothing is left to do"
# shellcheck disable=SC2086 # several words, or none
orchestrator plan "$site" $layers --detailed-exitcode

cat >&2 <<'END'

Done. The lab is still up. To look around:
  eval "$(.venv/bin/orchestrator lab env)"
  openstack domain list                  # the standard client sees every department
  orchestrator status inventory/yangzhou
  orchestrator network verify --live     # as root: packets between the zones, through the firewalls
  orchestrator lab down                  # when you have seen enough
END
