"""Runs cells in a kernel of the interpreter that runs this, and prints what came back, as JSON.

Cells are read from standard input, a JSON list. Kept to what the oldest environment has: jupyter_client.
"""

from __future__ import annotations

import json
import sys

from jupyter_client.manager import start_new_kernel


def main():
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=60)
    try:
        json.dump([run(client, cell) for cell in json.load(sys.stdin)], sys.stdout)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, cell):
    shown = []

    def keep(message):
        if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
            shown.append(message["content"] | {"kind": message["msg_type"]})

    reply = client.execute_interactive(cell, timeout=60, output_hook=keep)["content"]
    return {"status": reply["status"], "shown": shown, "pages": [each["data"] for each in reply.get("payload", [])]}


if __name__ == "__main__":
    main()
