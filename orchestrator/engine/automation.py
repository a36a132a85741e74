"""The same programs and the same state, run by the Pulumi CLI through its Automation API.

It was not run against a CLI where it was written: there was none to be had. What can be tested
without one, is (tests/engine/test_engine_automation.py).

Source:
    docs/reference/engine.md, "The Pulumi CLI instead"
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.engine import archive
from orchestrator.engine.removal import MayDelete, listed_only, reached_from
from orchestrator.engine.secrets import Vault
from orchestrator.engine.shown_state import show
from orchestrator.engine.state_folder import StateFolder
from orchestrator.errors import EngineError
from orchestrator.model.progress import ResourceFinished
from orchestrator.model.stack import (
    Action,
    ResourceChange,
    ResourceDrift,
    StackJob,
    StackName,
    StackPreview,
    StackResult,
    StackState,
)
from orchestrator.model.units import Json, Secret
from orchestrator.ports import Clock, Watch
from orchestrator.ports.provider import Provider

if TYPE_CHECKING:
    from pulumi.automation import Stack
    from pulumi.automation.events import EngineEvent

    from orchestrator.engine.cli_events import CliAccount

_CLI = "pulumi"
_PROGRAM = "__main__.py"


class AutomationStacks:
    """The ports Stacks and StackArchive, served by the Pulumi CLI."""

    def __init__(
        self,
        root: Path,
        programs: Path,
        provider: Provider,
        *,
        passphrase: Callable[[], Secret],
        clock: Clock,
        parallel: int = 8,
    ) -> None:
        """Take the same as the embedded engine; the provider only says what its kinds are.

        Raises:
            EngineError: there is no Pulumi CLI.
        """
        if shutil.which(_CLI) is None:
            raise EngineError(
                "the Pulumi CLI is not installed: there is no `pulumi` on PATH",
                remedy="Install it, or leave out `--engine pulumi`: the other engine needs none.",
            )
        self._root = root.resolve()
        self._folder = StateFolder(self._root)
        self._programs = programs.resolve()
        self._provider = provider
        self._passphrase = passphrase
        self._vault = Vault(self._folder, passphrase)
        self._clock = clock
        self._parallel = parallel
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Begin no other stack; the CLI itself is stopped by the signal that it gets as well."""
        self._stopped.set()

    def names(self) -> tuple[StackName, ...]:
        """Return the stacks that have a recorded state."""
        return self._folder.names()

    def state(self, stack: StackName) -> StackState | None:
        """Return the recorded state; secrets are hidden, and not decrypted."""
        return show(stack, self._folder.load(stack))

    def preview(self, job: StackJob, *, drifts: Sequence[ResourceDrift] = ()) -> StackPreview:
        """Return what an update would do; drifts are found again by a refresh."""
        with self._opened(job.stack, job.slice_json) as opened:
            account = self._look(opened, job, drifts)
        return StackPreview(
            stack=job.stack,
            changes=account.changes,
            unchanged=account.unchanged,
            failures=account.failures,
        )

    def update(
        self, job: StackJob, *, watch: Watch, drifts: Sequence[ResourceDrift] = ()
    ) -> StackResult:
        """Make the stack what the job says, after a preview that finds the orphans."""
        if self._stopped.is_set():
            return StackResult(stack=job.stack, changes=(), unchanged=0, interrupted=True)
        self._folder.forget_digest(job.stack)
        with self._opened(job.stack, job.slice_json) as opened:
            seen = self._look(opened, job, drifts)
            orphans = self._orphans(job, seen.deletes)
            account = self._ran(
                lambda listen: opened.up(
                    on_event=listen,
                    exclude=sorted(orphans),
                    refresh=bool(drifts),
                    parallel=self._parallel,
                    show_secrets=False,
                    continue_on_error=True,
                ),
                watch=_telling(job.stack, watch),
                kept=orphans,
                drifts=drifts,
            )
        return self._settled(job, account)

    def destroy(self, stack: StackName, *, watch: Watch) -> StackResult:
        """Delete every resource of the stack, and its state when all are gone."""
        if self._stopped.is_set():
            return StackResult(stack=stack, changes=(), unchanged=0, interrupted=True)
        with self._opened(stack, "{}") as opened:
            account = self._ran(
                lambda listen: opened.destroy(
                    on_event=listen, parallel=self._parallel, show_secrets=False
                ),
                watch=_telling(stack, watch),
            )
            if not account.failures:
                opened.workspace.remove_stack(stack.name)
        return StackResult(
            stack=stack, changes=account.changes, unchanged=0, failures=account.failures
        )

    def export(self, stack: StackName) -> Mapping[str, Json]:
        """Return the deployment as `pulumi stack export` would; secrets stay encrypted."""
        return archive.export(self._folder, stack, written_at=self._timestamp())

    def load(self, stack: StackName, deployment: Mapping[str, Json]) -> None:
        """Replace the state by a deployment, after checking its integrity."""
        archive.load(
            self._folder, stack, deployment, vault=self._vault, written_at=self._timestamp()
        )

    # -- inside -----------------------------------------------------------------------------

    def _look(self, opened: Stack, job: StackJob, drifts: Sequence[ResourceDrift]) -> CliAccount:
        """Preview; where that would delete orphans, once more without them."""

        def look(orphans: frozenset[str]) -> CliAccount:
            return self._ran(
                lambda listen: opened.preview(
                    on_event=listen, exclude=sorted(orphans), refresh=bool(drifts)
                ),
                kept=orphans,
                drifts=drifts,
            )

        seen = look(frozenset())
        orphans = self._orphans(job, seen.deletes)
        return look(orphans) if orphans else seen

    def _orphans(self, job: StackJob, deletes: frozenset[str]) -> frozenset[str]:
        """Return what the CLI would delete though it holds something, and what that needs."""
        may_delete: MayDelete = listed_only(self._provider.kinds, job.removals)
        records = self._folder.load(job.stack).deployment.records
        holding = [r for r in records if r.urn in deletes and not may_delete(r)]
        return deletes & reached_from(holding, records).keys()

    def _ran(
        self,
        command: Callable[[Callable[[EngineEvent], None]], object],
        *,
        watch: Callable[[EngineEvent], None] | None = None,
        kept: frozenset[str] = frozenset(),
        drifts: Sequence[ResourceDrift] = (),
    ) -> CliAccount:
        """Run one command of the CLI, and return what its events say."""
        from pulumi.automation import CommandError

        from orchestrator.engine.cli_events import read_events

        events: list[EngineEvent] = []

        def listen(event: EngineEvent) -> None:
            events.append(event)
            if watch is not None:
                watch(event)

        failure: CommandError | None = None
        try:
            command(listen)
        except CommandError as error:
            failure = error
        account = read_events(events, kept=kept, drifted={drift.urn for drift in drifts})
        if failure is not None and not account.failures:
            # No resource is to blame: the program is, or the CLI itself.
            raise EngineError(f"the Pulumi CLI failed: {failure}") from failure
        return account

    def _settled(self, job: StackJob, account: CliAccount) -> StackResult:
        # With an orphan it is not whole: the next plan has to run the program again to tell of it,
        # and to delete it once `removed:` lists it, which is no part of the digest.
        orphans = any(change.action is Action.KEEP_ORPHAN for change in account.changes)
        if not (account.failures or orphans):
            stored = self._folder.load(job.stack)
            self._folder.save_digest(job.stack, job.digest, checkpoint_hash=stored.checkpoint_hash)
        return StackResult(
            stack=job.stack,
            changes=account.changes,
            unchanged=account.unchanged,
            failures=account.failures,
        )

    @contextmanager
    def _opened(self, stack: StackName, slice_json: str) -> Iterator[Stack]:
        """Open a stack in a folder of its own: nothing is written beside the programs."""
        from pulumi.automation import LocalWorkspaceOptions, create_or_select_stack

        with tempfile.TemporaryDirectory(prefix="orchestrator-") as name:
            folder = Path(name)
            self._lay_out(folder, stack, slice_json)
            options = LocalWorkspaceOptions(
                work_dir=str(folder),
                pulumi_home=str(self._root / ".orchestrator" / "pulumi-home"),
                secrets_provider="passphrase",
                env_vars={
                    "PULUMI_BACKEND_URL": self._root.as_uri(),
                    "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                },
            )
            yield create_or_select_stack(stack.name, work_dir=str(folder), opts=options)

    def _lay_out(self, folder: Path, stack: StackName, slice_json: str) -> None:
        """Write the program, its project file, its settings and the passphrase into a folder."""
        import yaml

        program = self._programs / stack.project
        if not (program / _PROGRAM).is_file():
            raise EngineError(f"the stack {stack} has no program: {program / _PROGRAM}")
        shutil.copytree(program, folder, dirs_exist_ok=True)
        own = Path(sys.executable).parent
        project = {
            "name": stack.project,
            "runtime": {"name": "python", "options": {"virtualenv": str(own.parent)}},
            "plugins": {"providers": [{"name": "govcloud", "path": str(own)}]},
        }
        settings = {
            "encryptionsalt": self._folder.load(stack).deployment.salt or self._vault.site_salt(),
            "config": {"govcloud:slice": slice_json},
        }
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (folder / f"Pulumi.{stack.name}.yaml").write_text(yaml.safe_dump(settings))
        # A file that only we may read, and never the command line or a log.
        secret = folder / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text(self._passphrase().reveal())

    def _timestamp(self) -> str:
        return self._clock.now().isoformat().replace("+00:00", "Z")


def _telling(stack: StackName, watch: Watch) -> Callable[[EngineEvent], None]:
    from orchestrator.engine.cli_events import watching

    def take(change: ResourceChange, error: str | None) -> None:
        watch(
            ResourceFinished(
                stack=stack, kind=change.kind, name=change.name, action=change.action, error=error
            )
        )

    return watching(take)
