"""Firmware updates as a real BMC makes them: fetched, checked, a task to look at, a version after.

An image of the lab is a JSON object with `component` (BIOS or BMC) and `version`. The BMC fetches
it from its address, in a task. A BMC's own firmware runs when the task ends; a BIOS waits for the
next time that the machine is switched on.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterable
from typing import Any

from labcloud.bmc_driver import LabMachines
from labcloud.wsgi import App, Environ, StartResponse

UPDATE = "redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate"
TASKS = "redfish/v1/TaskService/Tasks"
WRITING_SECONDS = 1.0
"""A real one takes minutes; long enough here for a task to be seen while it runs."""
FETCH_SECONDS = 30
IMAGE_BYTES = 1 << 20

Resource = dict[str, Any]


class Updates:
    """Answers for firmware updates and their tasks; everything else goes on to the emulator."""

    def __init__(self, app: App, machines: LabMachines) -> None:
        """Take the machines, which remember their firmware."""
        self._app = app
        self._machines = machines
        self._tasks: dict[str, Resource] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        path = environ["PATH_INFO"].strip("/")
        if environ["REQUEST_METHOD"] == "POST" and path == UPDATE:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return self._begin(json.loads(body), start_response)
        if environ["REQUEST_METHOD"] == "GET" and path.startswith(f"{TASKS}/"):
            task = self._tasks.get(path.removeprefix(f"{TASKS}/"))
            return _send(start_response, "200 OK" if task else "404 Not Found", task or {})
        return self._app(environ, start_response)

    def _begin(self, sent: Resource, start_response: StartResponse) -> Iterable[bytes]:
        image, targets = sent.get("ImageURI"), sent.get("Targets")
        # One process serves all BMCs: which machine is meant is said by the target alone.
        if not isinstance(image, str) or not isinstance(targets, list) or len(targets) != 1:
            fault = {"error": {"message": "ImageURI and one of Targets are required"}}
            return _send(start_response, "400 Bad Request", fault)
        identity = str(targets[0]).rstrip("/").rpartition("/")[2]
        with self._lock:
            number = str(len(self._tasks) + 1)
            task: Resource = {
                "@odata.id": f"/{TASKS}/{number}",
                "Id": number,
                "Name": "Update",
                "TaskState": "Running",
                "PercentComplete": 0,
                "Messages": [],
            }
            self._tasks[number] = task
        worker = threading.Thread(
            target=self._carry_out, args=(task, identity, image), name=f"update-{number}"
        )
        worker.daemon = True
        worker.start()
        return _send(start_response, "202 Accepted", task, ("Location", f"/{TASKS}/{number}"))

    def _carry_out(self, task: Resource, identity: str, image: str) -> None:
        """Fetch and write; whatever goes wrong is the task's end, as on a real BMC."""
        try:
            # The lab's own tests name the address; a BMC fetches what it is told to.
            with urllib.request.urlopen(image, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - see above
                told = json.loads(answer.read(IMAGE_BYTES))
            component, version = str(told["component"]), str(told["version"])
            if component not in {"BIOS", "BMC"}:
                raise ValueError(f"no component `{component}`")
            threading.Event().wait(WRITING_SECONDS)
            self._machines.take_firmware(identity, component, version)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            task["Messages"] = [{"Message": f"{image}: {fault}"}]
            task["TaskState"] = "Exception"
            return
        task["PercentComplete"] = 100
        task["TaskState"] = "Completed"


def _send(
    start_response: StartResponse, status: str, resource: Resource, *more: tuple[str, str]
) -> list[bytes]:
    body = json.dumps(resource).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more]
    start_response(status, headers)
    return [body]
