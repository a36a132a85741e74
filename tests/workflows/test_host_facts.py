"""What a host tells of its packages is read as apt says it."""

from __future__ import annotations

import re

from orchestrator.workflows.host_facts import INST

# apt 2.6.1, Debian 12: `apt-get --simulate upgrade --with-new-pkgs`.
SIMULATED = """\
NOTE: This is only a simulation!
Inst linux-image-6.1.0-41-amd64 (6.1.158-1 Debian:12.12/oldstable [amd64])
Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u10 Debian:12.10/stable [amd64]) [libc-bin:amd64 ]
Inst linux-image-amd64 [6.1.140-1] (6.1.158-1 Debian:12.12/oldstable [amd64])
Conf libc6 (2.36-9+deb12u10 Debian:12.10/stable [amd64])
Remv old [1.0]
"""


def test_a_new_kernel_is_pending_with_the_package_that_asks_for_it() -> None:
    assert re.findall(INST, SIMULATED, re.MULTILINE) == [
        ("linux-image-6.1.0-41-amd64", "", "6.1.158-1"),
        ("libc6", "2.36-9+deb12u9", "2.36-9+deb12u10"),
        ("linux-image-amd64", "6.1.140-1", "6.1.158-1"),
    ]
