"""Whatever ends the parent, and however suddenly: no worker survives it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process_watch import gone, wait_until

SCRIPT = Path(__file__).with_name("crew_to_be_killed.py")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_no_worker_survives_its_parent(number):
    with subprocess.Popen([sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, text=True) as parent:
        said = json.loads(parent.stdout.readline())
        pids = said["pids"]
        alive = {state for state, pid in pids.items() if not gone(pid)}
        parent.send_signal(number)
        parent.wait(10)
    assert alive == set(pids), "somebody was dead before: this test tests less than it says"
    assert wait_until(lambda: all(gone(pid) for pid in pids.values()), 5), {
        state: pid for state, pid in pids.items() if not gone(pid)
    }
    shutil.rmtree(said["folder"])
