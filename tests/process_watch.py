"""Whether processes are really gone, and what they use."""

from __future__ import annotations

import time

import psutil


def gone(pid):
    """Whether a process is over; one that only waits to be reaped by somebody else is."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


def cpu_s(pid):
    spent = psutil.Process(pid).cpu_times()
    return spent.user + spent.system
