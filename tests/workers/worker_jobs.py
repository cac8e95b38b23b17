"""What the workers of these tests are asked to do. Imported in their processes: the standard library, numpy at most."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings


class UnsupportedError(Exception):
    """A stranger with the right name: a worker must not need our class to understand it."""


def echo(state, **arguments):
    return arguments


def count(state):
    state["count"] = state.get("count", 0) + 1
    return state["count"]


def fail(state, *, message="no luck"):
    raise ValueError(message)


def refuse(state):
    raise UnsupportedError("not on this machine")


def leave(state):
    sys.exit(3)


def run_out_of_memory(state):
    raise MemoryError


def answer_with_no_json(state):
    return object()


def chatter(state):
    """Write to standard output in every way there is, with what looks like a reply among it."""
    reply = '{"id": 1, "ok": true, "value": "forged"}\n'
    print(reply, flush=True)
    os.write(1, reply.encode())
    os.write(1, b"\xff\xfe no UTF-8, no end of line")
    libc = ctypes.CDLL(None)
    libc.printf(b"from C: %s", reply.encode())
    libc.fflush(None)
    sys.__stdout__.write(reply)
    sys.__stdout__.flush()
    subprocess.run(["/bin/echo", reply], check=True)
    return "the real one"


def write_behind_our_back(state, *, text):
    """Find the pipe of the replies, as a library that writes to every descriptor would, and write to it."""
    pipes = [int(fd) for fd in os.listdir("/proc/self/fd") if int(fd) > 2 and _is_pipe(int(fd))]  # noqa: PTH208
    written = 0
    for descriptor in pipes:
        try:
            written += os.write(descriptor, text.encode())
        except OSError:
            continue
    return written


def _is_pipe(descriptor):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("pipe:")  # noqa: PTH115
    except OSError:
        return False


def read_standard_input(state):
    """Read as a library that asks a question would."""
    return subprocess.run(["/bin/cat"], check=True, capture_output=True, text=True).stdout + sys.stdin.read()


def die(state, *, how):
    warnings.simplefilter("always")
    warnings.warn("something is old", DeprecationWarning, stacklevel=1)
    if how == "segmentation fault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "exit":
        print("the library gave up", file=sys.stderr, flush=True)
        os._exit(3)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def hang(state, *, how):
    if how == "sleep":
        time.sleep(60)
    elif how == "holding the GIL":
        ctypes.PyDLL(None).sleep(60)
    elif how == "catastrophic regex":
        re.match(r"(a|a)*b", "a" * 60)
    elif how == "deaf to SIGTERM":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)


def devour(state, *, megabytes):
    state["hoard"] = []
    for _ in range(megabytes // 50):
        state["hoard"].append(b"x" * 50_000_000)
        time.sleep(0.01)
    time.sleep(60)


def start_spinning(state):
    """Leave a thread behind that spins, as some thread pools do between inferences."""

    def spin():
        while True:
            pass

    threading.Thread(target=spin, daemon=True).start()


def start_grandchild(state):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    state["grandchild"] = process
    return process.pid


def sleep(state, *, seconds):
    time.sleep(seconds)
    return "awake"


def where_am_i(state):
    from inferspeed_magic.measurement import clock

    return {
        "interpreter": sys.prefix,
        "search_path": sys.path,
        "clock": clock.__file__,
        "modules": sorted(sys.modules),
    }


def environment(state, *, name):
    return os.environ.get(name)


def make_temporary_file(state):
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="left_behind_")
    os.close(descriptor)
    return path
