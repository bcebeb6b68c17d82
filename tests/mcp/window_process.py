"""A process that lets agents in as a window does; its argument is the limit of an answer in seconds.

Prints where they go and the token; at a line of input it sends them away, and it ends with its input.
"""

import json
import sys
import threading

from gpt_image_addon.app.scheduler import drain
from gpt_image_addon.mcp import server
from gpt_image_addon.mcp.window import agents

heard: list[str] = []


def hear() -> None:
    heard.extend(iter(sys.stdin.readline, ""))
    heard.append("")


def main() -> None:
    server.ANSWER_SECONDS = float(sys.argv[1])
    found = agents.let_in()
    print(json.dumps([found.address, found.token]), flush=True)
    threading.Thread(target=hear, daemon=True).start()
    while "" not in heard:
        drain(0.02)
        if agents.current() is None:
            continue
        found.step()
        if heard:
            agents.send_away()
            print(json.dumps("away"), flush=True)


main()
