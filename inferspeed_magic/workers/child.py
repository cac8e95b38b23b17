"""The process in which a runtime or a converter lives. Started by path, in any interpreter that has numpy.

It reads jobs from standard input and writes replies to what was standard output, one JSON object a line. Standard
output itself is pointed at standard error first, so nothing that a library prints can garble a reply, and standard
input at nothing, so nothing that a library reads can eat a job. It dies when its parent does: by a signal of the
kernel where there is one (Linux), by the end of standard input everywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, TextIO

PROTOCOL = 1


def _die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent ends, even while it is stopped or in a native call."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the request was in place
        os._exit(1)


def _read_jobs(stream: TextIO, jobs: queue.SimpleQueue[str]) -> None:
    """Hand lines to the main thread; the end of the stream means that the parent is gone."""
    for line in stream:
        jobs.put(line)
    os._exit(0)


def _take_over_pipes() -> tuple[TextIO, TextIO]:
    """Keep the pipes to ourselves: what libraries read is empty, and what they print goes to the log."""
    jobs = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return jobs, replies


def _import_package(package_folder: str) -> None:
    """Import inferspeed_magic from its folder: the parent's own, without its neighbours (site-packages!)."""
    spec = importlib.util.spec_from_file_location(
        "inferspeed_magic",
        os.path.join(package_folder, "__init__.py"),  # noqa: PTH118  (pathlib would be one more import)
        submodule_search_locations=[package_folder],
    )
    if spec is None or spec.loader is None:
        raise ImportError(package_folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules["inferspeed_magic"] = module
    spec.loader.exec_module(module)


def resolve(reference: str) -> Any:
    """Import what ``module:name`` refers to."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def answer(job: dict[str, Any], state: dict[str, Any], *, log: bool = False) -> dict[str, Any]:
    """Do one job; whatever it raises becomes a reply, and in a worker a traceback in the log."""
    try:
        function = resolve(job["call"])
        return {"id": job["id"], "ok": True, "value": function(state, **job["arguments"])}
    except KeyboardInterrupt:  # only in the kernel itself, where the user's interrupt belongs to the caller
        raise
    except MemoryError:
        return {"id": job["id"], "ok": False, "status": "failed", "reason": "out of memory"}
    except BaseException as error:  # noqa: BLE001  (SystemExit in a library is a failure like any other)
        if log:
            traceback.print_exc()
        unsupported = "UnsupportedError" in {kind.__name__ for kind in type(error).__mro__}
        return {
            "id": job["id"],
            "ok": False,
            "status": "unsupported" if unsupported else "failed",
            "reason": str(error) if unsupported else f"{type(error).__name__}: {error}",
        }


def _written(reply: dict[str, Any]) -> str:
    try:
        return json.dumps(reply)
    except (TypeError, ValueError) as error:
        reason = f"its answer cannot be written: {error}"
        return json.dumps({"id": reply["id"], "ok": False, "status": "failed", "reason": reason})


def main() -> None:
    """Serve jobs until the parent is gone."""
    start = json.loads(sys.argv[1])
    _die_with_parent(start["parent"])
    stream, replies = _take_over_pipes()
    # The folder of this file is first on the search path of a script, where its siblings would shadow other modules.
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]  # noqa: PTH100, PTH120
    sys.path.extend(entry for entry in start["search_path"] if entry not in sys.path)
    _import_package(start["package_folder"])
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(stream, jobs), daemon=True).start()
    state: dict[str, Any] = {}
    while True:
        job = json.loads(jobs.get())
        if job["protocol"] != PROTOCOL:
            reply = {"id": job["id"], "ok": False, "status": "failed", "reason": f"protocol {job['protocol']}"}
        else:
            reply = answer(job, state, log=True)
        replies.write(_written(reply) + "\n")
        replies.flush()


if __name__ == "__main__":
    main()
