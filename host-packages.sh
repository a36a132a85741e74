#!/bin/sh
# Install the Debian packages that the lab's network devices and hosts are made of: as root only.
# Without root or apt-get it says what is left out, and all the rest of the lab works.
set -eu
commands="nft ip sshd vtysh systemd-nspawn mmdebstrap snmpget"
packages="nftables iproute2 openssh-server frr systemd-container mmdebstrap snmp"
left_out="The lab's network devices and hosts are left out"

PATH=$PATH:/usr/sbin:/sbin
missing=""
for command in $commands; do
    command -v "$command" >/dev/null || missing="$missing $command"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$left_out: they need root and$missing (Debian: $packages)." >&2
    exit 0
fi

echo "Installing for the lab's network devices and hosts: $packages ..." >&2
# The lab starts its own sshd and FRR. Those of this machine are neither started nor enabled, unless
# they were here before.
log=$(mktemp)
ours=""
trap 'rm -f "$log" $ours' EXIT
trap 'exit 130' INT TERM
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    ours=$policy
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
new_units=""
for unit in ssh.service ssh.socket frr.service; do
    [ -e "/lib/systemd/system/$unit" ] || new_units="$new_units $unit"
done
install() {
    timeout 300 apt-get update -qq &&
        timeout 600 apt-get install -y -qq --no-install-recommends $packages
}
export DEBIAN_FRONTEND=noninteractive
if ! install >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "$left_out: apt-get could not install $packages." >&2
    exit 0
fi
for unit in $new_units; do
    systemctl disable -q "$unit" 2>/dev/null || true
done
