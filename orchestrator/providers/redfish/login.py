"""Log in to a BMC and out again: one session where it has them, else the login with each request.

The session's URI is on disk before the session is used, so that a run that is killed leaves nothing
that the next one does not close.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.model.units import Secret
from orchestrator.providers.redfish.answers import (
    Resource,
    link_of,
    login_refused,
    parsed,
    password_change_link,
    session_link,
)
from orchestrator.providers.redfish.client import ROOT, Conversation
from orchestrator.providers.redfish.ledger import LOGGING_IN, SessionLedger


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A user, and the passwords that it may have: the first is the declared one."""

    user: str
    passwords: Sequence[Secret]


@contextmanager
def logged_in(talk: Conversation, ledger: SessionLedger, login: Login) -> Iterator[int]:
    """Be logged in with the first password that the BMC takes; yield its index.

    Raises:
        BmcError: it takes none of them.
    """
    talk.root = talk.get(ROOT)
    sessions = _sessions(talk.root)
    if sessions is None:
        yield _first_that_opens(talk, login)
        return
    ledger.note(LOGGING_IN)
    try:
        accepted, own = _open_session(talk, sessions, login)
    except BmcError as error:
        if error.fault is BmcFault.LOGIN_REFUSED and not ledger.left_over:
            ledger.close_all()  # it said no: there is no session
        raise
    ledger.note(own)
    try:
        _close_left_over(talk, ledger, sessions, own=own, user=login.user)
        yield accepted
    finally:
        _close(talk, ledger, own)


def _sessions(root: Resource) -> str | None:
    links = root.get("Links")
    reference = links.get("Sessions") if isinstance(links, dict) else None
    return link_of(reference) if reference else None


def _first_that_opens(talk: Conversation, login: Login) -> int:
    """Find the password that basic authentication takes, by asking for the list of systems."""
    for index, password in enumerate(login.passwords):
        talk.use_basic(login.user, password.reveal())
        if len(login.passwords) == 1:
            return index  # the first real request proves it: no call for that alone
        try:
            talk.get(link_of(talk.root.get("Systems")))
        except BmcError as error:
            if error.fault is not BmcFault.LOGIN_REFUSED:
                raise
        else:
            return index
    raise login_refused()


def _open_session(talk: Conversation, sessions: str, login: Login) -> tuple[int, str]:
    for index, password in enumerate(login.passwords):
        body = {"UserName": login.user, "Password": password.reveal()}
        answer = talk.send("POST", sessions, body)
        if answer.status in {400, 401}:  # some say 400 to a wrong password
            continue
        token = answer.headers.get("x-auth-token")
        if answer.status >= 300 or token is None:
            raise BmcError(
                f"it gives no session: it answers {answer.status}",
                fault=BmcFault.BUSY if answer.status in {403, 503} else BmcFault.REFUSED,
                remedy="Its sessions may be used up: close some on its console.",
            )
        talk.headers = {"X-Auth-Token": token}
        talk.account_to_change = password_change_link(parsed(answer))
        return index, session_link(answer)
    raise login_refused()


def _close_left_over(
    talk: Conversation, ledger: SessionLedger, sessions: str, *, own: str, user: str
) -> None:
    """Close what a killed run left open.

    Where it was killed inside its login nobody knows the session's URI. Then every other session of
    our user goes: Ironic, which may have one, logs in again by itself.
    """
    links = {line for line in ledger.left_over if line != LOGGING_IN}
    if ledger.left_over.count(LOGGING_IN) > len(links):  # each URI follows its login
        links |= {link_of(one) for one in talk.members(sessions) if one.get("UserName") == user} - {
            own
        }
    for link in sorted(links):
        talk.send("DELETE", link)
    if ledger.left_over:
        ledger.close_all()
        ledger.note(own)


def _close(talk: Conversation, ledger: SessionLedger, own: str) -> None:
    """Log out. Where that fails the URI stays on disk, and the next run closes the session."""
    talk.deadline = max(talk.deadline, time.monotonic() + talk.limits.goodbye_seconds)
    try:
        answer = talk.send("DELETE", own)
    except BmcError as error:
        if error.fault is not BmcFault.UNREACHABLE:
            raise
        return
    if answer.status < 300 or answer.status in {401, 404}:
        ledger.close_all()
