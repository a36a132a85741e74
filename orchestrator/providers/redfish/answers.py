"""What a BMC's answer means: links, JSON, refusals; judged by structure, never by prose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import BmcError
from orchestrator.model.inventory import BmcFault
from orchestrator.providers.patience import seconds_of
from orchestrator.providers.redfish.wire import Answer

Resource = Mapping[str, Any]
"""A Redfish resource as the BMC wrote it."""

MOMENTARY = frozenset({429, 500, 502, 503, 504})


def link_of(reference: object) -> str:
    """Return the path in a reference.

    Raises:
        BmcError: it is none, or it leads to another host, which is not to get our login.
    """
    link = reference.get("@odata.id") if isinstance(reference, Mapping) else reference
    if isinstance(link, str) and link.startswith("/") and not link.startswith("//"):
        return link
    raise nonsense(f"{reference!r} is no link of its own")


def session_link(answer: Answer) -> str:
    """Return where a new session is; some BMCs give a whole URL, some only the resource."""
    location = answer.headers.get("location")
    if location:
        return path_of(location)
    return link_of(parsed(answer) or {})


def password_change_link(resource: Resource | None) -> str | None:
    """Return the account whose password must be changed first, if the BMC says so.

    The answer's message names it (DSP0266, 13.3.7.1); it is judged by its id, not by its text.
    """
    holder = (resource or {}).get("error", resource or {})
    messages = holder.get("@Message.ExtendedInfo") if isinstance(holder, Mapping) else None
    for message in messages if isinstance(messages, list) else ():
        if str(message.get("MessageId", "")).endswith("PasswordChangeRequired"):
            arguments = message.get("MessageArgs") or [""]
            return str(arguments[0])
    return None


def login_refused() -> BmcError:
    """Return the error for a wrong user or password."""
    return BmcError(
        "it refuses the user or the password",
        fault=BmcFault.LOGIN_REFUSED,
        remedy="Compare the login on the BMC with the site's, and the vault's value "
        "(`orchestrator secret set`).",
    )


def password_first() -> BmcError:
    """Return the error for a login that may do nothing but change its password."""
    return BmcError(
        "it wants its password changed before anything else: it may be the factory's",
        fault=BmcFault.PASSWORD_CHANGE_REQUIRED,
        remedy="Run: orchestrator hardware rotate-password",
    )


def nonsense(detail: str) -> BmcError:
    """Return the error for an answer that makes no sense."""
    return BmcError(
        detail,
        fault=BmcFault.BAD_ANSWER,
        remedy="Restart the BMC; if it answers so again, its firmware is at fault.",
    )


def parsed(answer: Answer) -> Resource | None:
    """Return the JSON object of an answer, or None where it is none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def message_of(answer: Answer) -> str:
    """Return the BMC's own words, for people."""
    error = (parsed(answer) or {}).get("error")
    text = error.get("message") if isinstance(error, Mapping) else None
    return f" ({text})" if isinstance(text, str) and text else ""


def asked_pause(answer: Answer) -> float | None:
    """Return how long the BMC asks us to wait, in seconds."""
    return seconds_of(answer.headers.get("retry-after"))


def path_of(location: str) -> str:
    """Return the path of a Location: never its host, where our login has no business."""
    parts = urlsplit(location)
    return link_of(f"{parts.path}?{parts.query}" if parts.query else parts.path)
