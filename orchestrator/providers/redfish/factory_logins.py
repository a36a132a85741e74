"""The logins that BMCs leave the factory with, as a table: they stand in public manuals.

They are tried only when that is asked for: some BMCs lock an account after a few failed logins
(iBMC after five). `unconfirmed` in a source: its password was found in no text that we could read.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.model.units import Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class FactoryLogin:
    """One login, and the makes that ship with it."""

    vendors: frozenset[str]
    """Words, in lower case, of the declared vendor or the service root's."""
    user: str
    word: str
    source: str

    @property
    def password(self) -> Secret:
        """Return the password, wrapped like any other."""
        return Secret(self.word)


FACTORY_LOGINS: tuple[FactoryLogin, ...] = (
    FactoryLogin(
        vendors=frozenset({"dell"}),
        user="root",
        word="calvin",
        source="Dell iDRAC9 User's Guide, logging in; unless it was ordered with one of its own",
    ),
    FactoryLogin(
        vendors=frozenset({"huawei", "xfusion"}),
        user="Administrator",
        word="Admin@9000",
        source="iBMC user guide (FusionServer Pro, TaiShan; V3 on): user; password unconfirmed",
    ),
    FactoryLogin(
        vendors=frozenset({"huawei"}),
        user="root",
        word="Huawei12#$",
        source="iBMC user guide (before V250): user; password unconfirmed",
    ),
    FactoryLogin(
        vendors=frozenset({"h3c"}),
        user="admin",
        word="Password@_",
        source="H3C HDM user guide, default user; unconfirmed",
    ),
    FactoryLogin(
        vendors=frozenset({"inspur", "ieit", "ami", "american"}),
        user="admin",
        word="admin",
        source="Inspur OB5161M5 user manual, 5.12.1, user list; AMI MegaRAC has the same",
    ),
    FactoryLogin(
        vendors=frozenset({"lenovo"}),
        user="USERID",
        word="PASSW0RD",
        source="IBM and Lenovo management modules (IMM, XCC), default user",
    ),
    FactoryLogin(
        vendors=frozenset({"supermicro", "super"}),
        user="ADMIN",
        word="ADMIN",
        source="Supermicro IPMI user's guide; boards since 2020 have one of their own",
    ),
    FactoryLogin(
        vendors=frozenset({"openbmc"}),
        user="root",
        word="0penBmc",
        source="OpenBMC images, default login; unconfirmed",
    ),
)


def factory_logins_of(*vendors: str) -> tuple[FactoryLogin, ...]:
    """Return the logins of a make, by what the site declares and what the BMC says."""
    words = {word for vendor in vendors for word in vendor.lower().split()}
    return tuple(login for login in FACTORY_LOGINS if login.vendors & words)
