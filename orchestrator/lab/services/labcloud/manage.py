"""Run several commands of a project's manage tool for the price of one import.

Usage: python -m labcloud.manage MODULE '[["db_sync"], ["bootstrap", "--flag"]]'

OpenStack's manage tools take seconds to import and milliseconds to work, and oslo.config allows one
command per process: so the import is done once and each command runs in a fork of it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
import traceback


def main() -> None:
    """Run each command in turn; stop at the first that fails, with its exit status."""
    module = importlib.import_module(sys.argv[1])
    for command in json.loads(sys.argv[2]):
        status = run_in_fork(module, command)
        if status:
            sys.exit(f"{sys.argv[1]} {command} ended with {status}")


def run_in_fork(module: object, command: list[str]) -> int:
    """Run one command in a child; return its exit status."""
    print("$", module.__name__, *command, flush=True)  # noqa: T201 - the log of this process
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        status = run(module, command)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 - the log of this process
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's stack
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def run(module: object, command: list[str]) -> int:
    """Call the tool's main as its console script would."""
    sys.argv = [module.__name__, *command]
    takes_argv = "argv" in inspect.signature(module.main).parameters
    result = module.main(sys.argv) if takes_argv else module.main()
    return int(result or 0)


if __name__ == "__main__":
    main()
