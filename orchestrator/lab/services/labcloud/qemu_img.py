"""Stands in for qemu-img where it is not installed: raw images only (info, convert raw to raw)."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Do what Cinder asks for, or end with an error that says what is missing."""
    if arguments[:1] == ["info"]:
        file = Path(arguments[-1])
        facts = file.stat()
        answer = {
            "virtual-size": facts.st_size,
            "filename": str(file),
            "format": "raw",
            "actual-size": facts.st_blocks * 512,
            "dirty-flag": False,
        }
        print(json.dumps(answer))  # noqa: T201 - the caller reads standard output
    elif arguments[:1] == ["convert"]:
        shutil.copyfile(arguments[-2], arguments[-1])
    else:
        sys.exit(f"the lab's qemu-img cannot {' '.join(arguments[:1])}: install qemu-utils")


if __name__ == "__main__":
    main(sys.argv[1:])
