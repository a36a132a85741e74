"""Asked by ssh whether a host key is the host's: FOLDER ADDRESS NAME TYPE KEY.

ssh runs this file by itself for each connection (KnownHostsCommand), so that it needs Python's own
library only. Keys are pinned at first contact, in the files that everything else here that speaks
SSH to hosts reads, too; another key is not known, and ssh refuses it.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

NO_KEY = "NONE"
"""What ssh writes where it only asks which keys it should prefer."""


def main() -> None:
    """Answer with a line of known_hosts, or with nothing."""
    folder, address, name, kind, key = sys.argv[1:]
    if key == NO_KEY:
        return
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    presented = f"{kind} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
    file = Path(folder) / f"{address}.hostkey"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = file.with_name(f".{file.name}.{name}.tmp")
        draft.write_text(f"{presented}\n", encoding="ascii")
        draft.replace(file)
    if file.read_text(encoding="ascii").strip() == presented:
        sys.stdout.write(f"{name} {kind} {key}\n")


if __name__ == "__main__":
    main()
