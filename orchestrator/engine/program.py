"""Runs a Pulumi program in this process, against our monitor.

Several stacks may run at once, each in a thread of its own: Pulumi's settings live in context
variables, and the short part in which the program's file is executed is done one at a time.

Source:
    The hooks of the SDK that are used here: docs/decisions/0005-embedded-engine.md
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import runpy
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pulumi import runtime
from pulumi.runtime import settings as sdk_settings

from orchestrator.engine.monitor import Monitor
from orchestrator.errors import EngineError
from orchestrator.model.stack import StackName

_ONE_AT_A_TIME = threading.Lock()
"""Held while a program's file is executed: sys.path and sys.modules are the process's."""

_TURNS_BEFORE_WAITING = 3


def run_program(
    folder: Path, monitor: Monitor, *, stack: StackName, config: Mapping[str, str], parallel: int
) -> None:
    """Run the program in a folder to its end.

    Raises:
        EngineError: there is no program, it raised an exception, or it asked for something that
            the engine does not have.
    """
    if not (folder / "__main__.py").is_file():
        raise EngineError(
            f"the stack {stack} has no program: {folder / '__main__.py'} does not exist",
            remedy="Give the folder with the stacks' programs.",
        )
    try:
        contextvars.Context().run(
            lambda: _run(folder, monitor, stack=stack, config=config, parallel=parallel)
        )
    except Exception as error:
        if monitor.refused is not None:
            raise monitor.refused from error
        raise EngineError(
            f"the program of the stack {stack} failed: {type(error).__name__}: {error}",
            remedy=f"Mend {folder / '__main__.py'}.",
        ) from error


def _run(
    folder: Path, monitor: Monitor, *, stack: StackName, config: Mapping[str, str], parallel: int
) -> None:
    # Making the settings sets them, in the context of the caller: hence here, in the run's own.
    runtime.Settings(
        project=stack.project,
        stack=stack.name,
        organization="organization",
        monitor=monitor,
        engine=monitor,
        parallel=parallel,
        dry_run=monitor.foresees,
        root_directory=str(folder),
    )
    sdk_settings.ROOT.set(None)
    runtime.set_all_config(dict(config), [])

    async def program() -> None:
        with _ONE_AT_A_TIME:
            _execute(folder)
        # The SDK waits badly when its calls have not started yet: it then polls all outputs for
        # each one that arrives. Let the event loop start them first.
        for _ in range(_TURNS_BEFORE_WAITING):
            await asyncio.sleep(0)

    with (
        asyncio.Runner() as runner,
        ThreadPoolExecutor(max_workers=2 * parallel) as pool,
    ):
        loop = runner.get_loop()
        loop.set_default_executor(pool)
        # The SDK leaves futures behind whose exceptions it has reported already.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        runner.run(runtime.run_in_stack(program))


def _execute(folder: Path) -> None:
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        runpy.run_path(str(folder / "__main__.py"), run_name="__main__")
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            # Modules beside the program declare resources too: they must run again next time.
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
