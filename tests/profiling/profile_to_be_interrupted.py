"""Profiles in a process of its own, says where it is, and says what is left when it was interrupted.

Started as ``python profile_to_be_interrupted.py WHAT FOLDER [more options as JSON]``. When it has said what is left it
waits for the end of its standard input: workers that live on would otherwise die with it, unseen.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import inferspeed_magic as im
from inferspeed_magic.errors import ProfileInterrupted
from inferspeed_magic.panel.progress import NoProgress


def say(**what):
    print(json.dumps(what), flush=True)


def keras_model():
    import keras

    return keras.Sequential(
        [keras.Input((16,)), keras.layers.Dense(32, activation="relu"), keras.layers.Dense(4)], name="dense"
    )


def main():
    # A shell that starts us in the background has interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    what, folder = sys.argv[1], Path(sys.argv[2])
    options = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    model = keras_model() if what == "keras" else folder / "model.onnx"
    NoProgress.update = lambda self, done, total, message, **more: say(at=message, done=done)
    say(at="the start", done=0)
    ended = {"how": "returned"}
    report = None
    try:
        report = im.profile(model, progress=False, **options)
    except ProfileInterrupted as interrupt:
        report = interrupt.report
        ended = {"how": "ProfileInterrupted", "message": str(interrupt), "same": im.last_report() is report}
    except KeyboardInterrupt:
        ended = {"how": "KeyboardInterrupt"}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    at = time.time()
    if report is not None:
        ended |= {
            "interrupted": report.interrupted,
            "results": [[result.runtime, result.status, result.reason] for result in report.results],
            "samples": [
                sum(len(block.latencies_ns) for block in result.measurement.blocks) if result.measurement else 0
                for result in report.results
            ],
            "text": repr(report),
        }
    say(**ended, at=at)
    sys.stdin.read()


if __name__ == "__main__":
    main()
