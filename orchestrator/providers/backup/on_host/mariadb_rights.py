"""Which of a MariaDB user's rights a copy of some databases has, from the lines of `SHOW GRANTS`.

A restore gives rights in the copied databases and none beyond them: no role (which no copy has),
nothing on other databases (which may not be there), and nothing on all of them.
"""

from __future__ import annotations

import re

TEXT = r"'(?:[^'\\]|''|\\.)*'"
METHOD = rf"\S+(?: (?:USING|AS) {TEXT}|(?! (?:USING|AS) ))"
IDENTIFIED = re.compile(
    rf" IDENTIFIED (?:BY (?:PASSWORD )?{TEXT}|(?:VIA|WITH) {METHOD}(?: OR {METHOD})*)"
    r"(?! OR )(?= |;|$)"
)
"""How somebody proves who it is: `OR` has further ways."""
NAME = r"`((?:[^`]|``)+)`"
ON = re.compile(
    r"GRANT (?P<what>(?:[^`]|`(?:[^`]|``)*`)+?) ON "
    rf"(?P<kind>(?:PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?"
    rf"(?:{NAME}|\*)\.(?P<object>{NAME}|\*) (?P<to>TO .+)$"
)
DATABASE = 3
"""Its group in `ON`; none where it is `*`."""
LOGIN = "GRANT USAGE ON *.* "
"""What everybody has: it says how to log in, and is not needed after `CREATE USER`."""
ADMIN = re.compile(r" WITH GRANT OPTION(?= MAX_|$)")
LIMITS = " WITH"


def without_hashes(line: str) -> str:
    """Return a statement about a user with `...` for each hash of a password."""
    shown = IDENTIFIED.sub(lambda found: re.sub(TEXT, "'...'", found[0]), line)
    rest = IDENTIFIED.sub("", line)
    # What is not understood is not shown.
    return line.partition(" IDENTIFIED ")[0] if " IDENTIFIED " in rest else shown


def narrowed(line: str, names: list[str]) -> list[str]:
    """Return what a line of `SHOW GRANTS` gives in some databases: lines of the same kind.

    The first line of a user, whatever it gives everywhere, becomes its login alone. A pattern that
    has many databases becomes those that it has of these.
    """
    found = ON.match(line)
    if found is None:
        return []
    database, whole = found[DATABASE], found["object"] == "*"
    if database is None:
        to = ADMIN.sub(LIMITS, found["to"])
        return [LOGIN + (to[: -len(LIMITS)] if to.endswith(LIMITS) else to)]
    pattern = database.replace("``", "`")
    if not whole:
        return [line] if pattern in names else []
    had = [name for name in names if _like(pattern).fullmatch(name)]
    if "%" not in pattern:
        return [line] if had else []
    begin, end = found.span(DATABASE)
    return [line[:begin] + _escaped(name) + line[end:] for name in had]


def _like(pattern: str) -> re.Pattern[str]:
    r"""Return a database's pattern, in which `%` and `_` stand for others unless behind a `\`."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    some = {"%": ".*", "_": "."}
    return re.compile("".join(some.get(one, re.escape(one[-1])) for one in parts), re.DOTALL)


def _escaped(name: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", name).replace("`", "``")
