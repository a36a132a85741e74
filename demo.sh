#!/bin/sh
# The main job, end to end, on the lab: what `make demo` runs. Bounded, and safe to run twice.
set -eu
site=inventory/yangzhou
export COLUMNS="${COLUMNS:-110}"

step() { printf '\n== %s\n' "$1" >&2; }

step "1/5 Start the lab: a real OpenStack, and a BMC for each server of $site"
orchestrator lab up "$site"
eval "$(orchestrator lab env)"

step "2/5 Check the site"
orchestrator check "$site"

step "3/5 Plan"
orchestrator plan "$site" --out .lab/demo.plan

step "4/5 Apply the plan that was just shown"
orchestrator apply .lab/demo.plan

step "5/5 Plan again: nothing is left to do"
orchestrator plan "$site" --detailed-exitcode

cat >&2 <<'END'

Done. The lab is still up. To look around:
  eval "$(.venv/bin/orchestrator lab env)"
  openstack domain list                  # the standard client sees every department
  orchestrator status inventory/yangzhou
  orchestrator lab down                  # when you have seen enough
END
