"""What the YAML door can find fault with: each code with its meaning.

A code's summary is fixed; a code is never given to another fault.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultKind:
    """What a code means, whatever the place."""

    code: str
    summary: str
    why: str
    remedy: str


_KINDS: list[FaultKind] = []


def _kind(code: str, summary: str, *, why: str, remedy: str) -> FaultKind:
    kind = FaultKind(code=code, summary=summary, why=why, remedy=remedy)
    _KINDS.append(kind)
    return kind


NO_DIRECTORY = _kind(
    "SY001",
    "There is no such site directory",
    why="The path does not exist, or it is not a directory.",
    remedy="Give the directory that holds site.yaml.",
)
NO_SITE_FILE = _kind(
    "SY002",
    "The directory has no site.yaml",
    why=(
        "site.yaml says who the site is and which regions it has; nothing can be read without it."
    ),
    remedy="Add site.yaml, or give another directory.",
)
UNREADABLE = _kind(
    "SY003",
    "The file cannot be read",
    why=(
        "The operating system refused: permissions, a symbolic link that leads to itself, a "
        "directory or a pipe where a file should be."
    ),
    remedy="Mend the file's permissions or its link.",
)
TOO_LARGE = _kind(
    "SY004",
    "The file is too large",
    why=(
        "A file of a site is written by people and stays below 8 MiB; nothing beyond that is read."
    ),
    remedy="Use ranges, or split the file: <layer>/*.yaml are read together.",
)
NOT_UTF8 = _kind(
    "SY005",
    "The file is not UTF-8",
    why="All files of a site are UTF-8, so that every tool shows the same Chinese text.",
    remedy="Save the file as UTF-8.",
)
CONTROL_CHARACTER = _kind(
    "SY006",
    "The file holds a control character",
    why="NUL and other control characters are signs of a binary or damaged file.",
    remedy="Remove the character, or restore the file from git.",
)
BAD_YAML = _kind(
    "SY007",
    "The YAML cannot be understood",
    why="The YAML parser stopped here; what follows in this file was not looked at.",
    remedy="Look at the quotes, brackets and indentation here and on the line before.",
)
TAB = _kind(
    "SY008",
    "A tab is used for indentation",
    why="YAML allows only spaces there.",
    remedy="Replace the tab by spaces.",
)
TOO_DEEP = _kind(
    "SY009",
    "The file is nested too deeply",
    why="No entry of a site nests deeper than a few levels; 40 is the limit.",
    remedy="Look for brackets that are never closed.",
)
TOO_MUCH = _kind(
    "SY010",
    "The file says too much",
    why=(
        "Aliases that refer to aliases can blow a few lines up to gigabytes, and a file of a "
        "million values is not written by people. Aliases may repeat at most 10,000 values "
        "per file, and a file may hold at most 1,000,000."
    ),
    remedy="Write the values out, use ranges, or split the file.",
)
DUPLICATE_KEY = _kind(
    "SY011",
    "A key is given twice",
    why="YAML would silently keep the last one.",
    remedy="Keep one of them.",
)
MERGE_KEY = _kind(
    "SY012",
    "Merge keys are not supported",
    why="`<<` hides where a value comes from, and YAML 1.2 dropped it.",
    remedy="Write the keys out, or use a range.",
)
TAG = _kind(
    "SY013",
    "YAML tags are not supported",
    why="The type of each value is known from its key; a tag could only contradict it.",
    remedy="Remove the tag.",
)
SECOND_DOCUMENT = _kind(
    "SY014",
    "The file holds more than one document",
    why="Everything after the second `---` would be easy to overlook.",
    remedy="Split the file: <layer>/*.yaml are read together.",
)
UNKNOWN_FILE = _kind(
    "SY015",
    "The file's name means nothing here",
    why=(
        "A site has site.yaml and per layer <layer>.yaml or <layer>/*.yaml; another YAML file "
        "would be silently ignored."
    ),
    remedy="Rename the file, or move it out of the site directory.",
)
EMPTY = _kind(
    "SY016",
    "The file is empty",
    why="An empty file is more often a failed save than a wish.",
    remedy="Write at least one key, for example `zones: []`, or delete the file.",
)
BAD_KEY = _kind(
    "SY017",
    "A key is not a simple text",
    why="Keys are single words.",
    remedy="Write the key as one plain word.",
)
BAD_ALIAS = _kind(
    "SY018",
    "An alias does not lead to a finished value",
    why="The anchor is missing, comes later, or contains the alias itself.",
    remedy="Write the value out.",
)
UNKNOWN_KEY = _kind(
    "SY020",
    "Unknown key",
    why="A mistyped key would otherwise be a wish that nobody hears.",
    remedy="Correct the key or remove it; `orchestrator schema` lists all of them.",
)
MISSING_KEY = _kind(
    "SY021",
    "A required key is missing",
    why="The key has no default that would be right for every site.",
    remedy="Add the key.",
)
WRONG_SHAPE = _kind(
    "SY022",
    "The value has the wrong shape",
    why="A list, a mapping and a single value are not interchangeable.",
    remedy="Write the value in the shape that the key wants.",
)
WRONG_TYPE = _kind(
    "SY023",
    "The value has the wrong type",
    why=(
        "Each key has one type: text, whole number, number, true or false, address, prefix or date."
    ),
    remedy="Write a value of the type that the key wants.",
)
OUT_OF_BOUNDS = _kind(
    "SY024",
    "The value is out of bounds",
    why="The number is outside what this key can mean.",
    remedy="Write a number within the bounds.",
)
UNKNOWN_CHOICE = _kind(
    "SY025",
    "The value is not one of the choices",
    why="The key takes one of a fixed set of words.",
    remedy="Write one of the choices.",
)
QUOTE_IT = _kind(
    "SY026",
    "The text needs quotes",
    why=(
        "Without quotes YAML readers take it for something else: `no` and `on` for a truth "
        "value, `012` for ten, `22:00` for 1320, `12` for a number. Editors and other tools "
        "would disagree."
    ),
    remedy="Put it in quotes.",
)
BLANK = _kind(
    "SY027",
    "The value is empty",
    why="The key needs a value.",
    remedy="Write a value, or remove the key where it is optional.",
)
BAD_PREFIX = _kind(
    "SY028",
    "The prefix has host bits set",
    why="10.0.0.1/24 is an address in a prefix; the prefix itself is 10.0.0.0/24.",
    remedy="Write the prefix's first address.",
)
BAD_MAC = _kind(
    "SY029",
    "This is not a MAC address",
    why="A MAC address is six bytes in hexadecimal, such as 0c:42:a1:00:00:1f.",
    remedy="Write six pairs of hexadecimal digits.",
)
BAD_NAME = _kind(
    "NM001",
    "This cannot be a name",
    why=(
        "Names go into host names, OpenStack and file names: lower-case letters, digits, "
        "hyphens and dots, at most 63, with a letter or digit at both ends. Display names "
        "take any text."
    ),
    remedy="Choose another name and put the readable one under `display`.",
)
BAD_RANGE = _kind(
    "RG001",
    "The range cannot be understood",
    why=(
        "A range is {1..16}, {01..16} (padded), {2..24..2} (with a step) or {x01..x0c} "
        "(hexadecimal), counting upwards, with both ends of the same width where they are "
        "padded."
    ),
    remedy="Correct the range.",
)
RANGE_COUNT = _kind(
    "RG002",
    "The ranges of an entry do not have the same length",
    why=(
        "The range in `name` says how many things the entry is; every other range in it gives "
        "one value to each."
    ),
    remedy="Make both ranges equally long.",
)
RANGE_TOO_LONG = _kind(
    "RG003",
    "The range is too long",
    why="A range gives at most 10,000 values, and a file at most 100,000 entries.",
    remedy="Shorten the range.",
)
RANGE_WITHOUT_NAME = _kind(
    "RG004",
    "There is a range, but none in the name",
    why=("Only an entry whose `name` holds a range is multiplied; lists inside an entry are not."),
    remedy="Put a range into the name of the entry, or write the values out.",
)
PLAIN_SECRET = _kind(
    "SE001",
    "A secret stands in plain text",
    why=(
        "Whoever can read the site's repository, now or in ten years, could read it. The "
        "value is not shown here."
    ),
    remedy=(
        "Change the secret, store it with `orchestrator secret set`, and refer to it as "
        "`secret://path/name`."
    ),
)
SECRET_CONTENT = _kind(
    "SE002",
    "The value looks like a secret",
    why=(
        "It has the form of a private key, an access token or a URL with a password. The "
        "value is not shown here."
    ),
    remedy="Change the secret, store it with `orchestrator secret set`, and refer to it.",
)
BAD_SECRET_REF = _kind(
    "SE003",
    "The secret reference cannot be understood",
    why=(
        "A reference is secret://path/name, of lower-case letters, digits, dots, hyphens and "
        "underscores."
    ),
    remedy="Write it as `secret://path/name`.",
)

FAULT_KINDS: tuple[FaultKind, ...] = tuple(_KINDS)
"""Every fault that the door can find, by code."""
