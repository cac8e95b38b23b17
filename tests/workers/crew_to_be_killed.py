"""Starts a crew with workers in every state, says who they are, and waits to be killed."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from inferspeed_magic.workers.crew import Crew

JOBS = "worker_jobs"


def main():
    sys.path.append(str(Path(__file__).parent))
    with Crew() as crew:
        states = ["idle", "stopped", "busy", "deaf", "hung", "starting"]
        workers = {state: crew.start(state) for state in states}
        for state in states[:-1]:
            workers[state].request(f"{JOBS}:count", {}, 30)
        workers["stopped"].pause()
        jobs = {
            "busy": ("start_spinning", {}),
            "deaf": ("hang", {"how": "deaf to SIGTERM"}),
            "hung": ("hang", {"how": "holding the GIL"}),
        }
        for state, (call, arguments) in jobs.items():
            threading.Thread(target=workers[state].request, args=(f"{JOBS}:{call}", arguments, 60), daemon=True).start()
        time.sleep(0.3)
        print(json.dumps({"folder": str(crew.folder), "pids": {state: workers[state].pid for state in states}}))
        sys.stdout.flush()
        time.sleep(60)


if __name__ == "__main__":
    main()
