"""The supervisor of one run: a process of its own between us and ansible-runner.

It gets the request through stdin and says events on stdout, one JSON value a line. When stdin
closes, whatever the reason (a cancel, the death of whoever asked), it ends the run and all that the
run has started, and removes the work folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.adapters.ansible_playbooks.leftovers import end_marked
from orchestrator.adapters.ansible_playbooks.request import MARK, Request
from orchestrator.adapters.ansible_playbooks.scrub import Scrubber

EVENTS = frozenset(
    {
        "runner_on_start",
        "runner_on_ok",
        "runner_on_failed",
        "runner_on_skipped",
        "runner_on_unreachable",
        "runner_on_async_failed",
        "playbook_on_stats",
        "error",
    }
)
"""What the adapter is told of; `error` is what Ansible says of a playbook that it cannot run."""

POLL_SECONDS = 0.25
"""How soon a cancel is seen."""
HOST_KEYS = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256"
"""In paramiko's order: what pins a host's key first and what comes later ask for the same one."""
CALLBACKS = Path(__file__).parent / "callback"
LAST_WORDS = 20


def main() -> None:
    """Run one request."""
    run = Path(_environment()[MARK])
    request = Request.loads(sys.stdin.readline())
    cancelled = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(cancelled,), daemon=True).start()
    supervisor = _Supervisor(request, cancelled)
    try:
        supervisor.run()
    finally:
        end_marked(run, spare=os.getpid())
        shutil.rmtree(request.work, ignore_errors=True)


def _environment() -> Mapping[str, str]:
    return os.environ  # noqa: TID251 - the run's mark, which we hand on, comes that way


def _await_end_of_input(cancelled: threading.Event) -> None:
    sys.stdin.read()
    cancelled.set()


class _Supervisor:
    def __init__(self, request: Request, cancelled: threading.Event) -> None:
        self._request = request
        self._cancelled = cancelled
        self._work = Path(request.work)
        self._scrubber = Scrubber([*request.secrets.values(), *request.keys.values()])
        self._lines: list[str] = []

    def run(self) -> None:
        """Run the playbook and say how that ended."""
        with self._agent() as agent:
            files = self._write_work()
            outcome = self._play(files, agent)
        self._say({"ended": outcome.status, "code": outcome.rc, "words": self._lines})

    def _play(self, files: Mapping[str, str], agent: Mapping[str, str]) -> Any:  # noqa: ANN401 - ansible-runner has no types
        import ansible_runner

        return ansible_runner.run(
            private_data_dir=str(self._work),
            ident="run",
            project_dir=self._request.playbooks,
            playbook=self._request.playbook,
            roles_path=f"{self._request.playbooks}/roles",
            inventory=files["inventory"],
            cmdline=self._command_line(files),
            envvars={**self._ansible(files), **agent},
            settings={
                "pexpect_timeout": POLL_SECONDS,
                "suppress_output_file": True,
                "job_timeout": self._request.seconds,
            },
            fact_cache_type="memory",
            quiet=True,
            event_handler=self._hear,
            cancel_callback=self._cancelled.is_set,
        )

    def _command_line(self, files: Mapping[str, str]) -> str:
        words = [f"--forks={self._request.parallel}", f"-e @{files['variables']}"]
        words += [f"-e @{files['secrets']}"] if self._request.secrets else []
        return " ".join([*words, *(["--check"] if self._request.check else [])])

    def _ansible(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return Ansible's settings: no file of this machine or its user has a say."""
        ssh = {
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": "none",
            "GlobalKnownHostsFile": "none",
            "CheckHostIP": "no",
            "HostKeyAlgorithms": HOST_KEYS,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "ControlMaster": "auto",
            "ControlPersist": "30",
        }
        return {
            "ANSIBLE_CONFIG": files["settings"],
            "ANSIBLE_HOME": f"{self._work}/ansible",
            "ANSIBLE_LOCAL_TEMP": f"{self._work}/temporary",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{self._work}/cp",
            "ANSIBLE_SSH_ARGS": " ".join(f"-o {name}={value}" for name, value in ssh.items()),
            "ANSIBLE_SSH_COMMON_ARGS": "-F /dev/null",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_TIMEOUT": "10",
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ORCHESTRATOR_SCRUB": files["scrub"],
        }

    def _write_work(self) -> dict[str, str]:
        """Write what Ansible reads; what is secret goes through pipes that keep nothing."""
        files = {
            "inventory": self._written("hosts.json", self._request.inventory),
            "variables": self._written("variables.json", self._request.variables),
            "settings": self._written("ansible.cfg", None),
            "scrub": self._piped(
                "scrub", [*self._request.secrets.values(), *self._request.keys.values()]
            ),
        }
        if self._request.secrets:
            files["secrets"] = self._piped("secrets.json", self._request.secrets)
        return files

    def _written(self, name: str, content: object) -> str:
        file = self._work / name
        file.write_text("" if content is None else json.dumps(content), encoding="utf-8")
        return str(file)

    def _piped(self, name: str, content: object) -> str:
        """Return a named pipe from which the content can be read once."""
        pipe = self._work / name
        os.mkfifo(pipe, 0o600)

        def hand_over() -> None:
            with pipe.open("w", encoding="utf-8") as file:
                json.dump(content, file)

        threading.Thread(target=hand_over, daemon=True).start()
        return str(pipe)

    @contextmanager
    def _agent(self) -> Iterator[Mapping[str, str]]:
        """Start an SSH agent that holds the keys, so that none is in a file."""
        if not self._request.keys:
            yield {}
            return
        socket = self._work / "agent"
        environment = {**_environment(), "SSH_AUTH_SOCK": str(socket)}
        with subprocess.Popen(  # noqa: S603 - our own argument list, no shell
            ["ssh-agent", "-D", "-a", str(socket)],  # noqa: S607 - wherever the system has it
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        ) as agent:
            try:
                while not socket.exists() and agent.poll() is None:
                    self._cancelled.wait(0.01)
                for file, key in self._request.keys.items():
                    _add_key(key, environment)
                    Path(file).write_text(_public_half(key), encoding="ascii")
                yield {"SSH_AUTH_SOCK": str(socket)}
            finally:
                agent.send_signal(signal.SIGTERM)

    def _hear(self, event: dict[str, Any]) -> bool:
        """Hand one event on; say that ansible-runner is not to keep it."""
        if event["event"] in EVENTS:
            data = event.get("event_data", {})
            words = event.get("stdout", "") if event["event"] == "error" else ""
            self._say({"event": event["event"], "data": data, "words": words})
        elif event.get("stdout", "").strip() and not event.get("event_data"):
            self._lines = [*self._lines[1 - LAST_WORDS :], self._scrubber.text(event["stdout"])]
        return False

    def _say(self, value: object) -> None:
        sys.stdout.write(json.dumps(self._scrubber.value(value)) + "\n")
        sys.stdout.flush()


def _add_key(key: str, environment: Mapping[str, str]) -> None:
    subprocess.run(
        ["ssh-add", "-q", "-"],  # noqa: S607 - wherever the system has it
        input=key if key.endswith("\n") else f"{key}\n",
        env=dict(environment),
        text=True,
        check=True,
        timeout=10,
        stderr=subprocess.DEVNULL,
    )


def _public_half(key: str) -> str:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_ssh_private_key,
    )

    made = load_ssh_private_key(key.encode(), password=None)
    line = made.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line.decode() + "\n"


if __name__ == "__main__":
    main()
