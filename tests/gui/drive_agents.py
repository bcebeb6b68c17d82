"""Agents in the window of a real Blender: let in by a click, three clients ask for a material each at once.

See `sessions`. Screenshots lie in out/gui/agents.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sessions import ROOT, Sessions

from tests.api_server import ApiServer
from tests.mcp.window import HttpClient

PROMPTS = {"Left": "old oak planks", "Middle": "red brick wall", "Right": "rusty steel"}
PATIENCE = 200.0  # seconds until the window lets agents in


def enter(state: Path) -> tuple[str, str]:
    """Address and token of the window, once it lets agents in."""
    end = time.monotonic() + PATIENCE
    while not (found := list((state / "data" / "agents").glob("*.json"))):
        if time.monotonic() > end:
            raise TimeoutError("no window lets agents in")
        time.sleep(0.1)
    told = json.loads(found[0].read_text())
    return f"http://127.0.0.1:{told['port']}/mcp", told["token"]


def ask(address: str, token: str, target: str) -> dict[str, Any]:
    """One client: it asks for a material and waits for it."""
    client = HttpClient(address, token)
    client.begin(f"agent of {target}")
    call = {"target": "material", "object_name": target, "quality": "low", "max_cost_usd": 0.1}
    found = client.call("generate", prompt=PROMPTS[target], **call)
    while found["state"] == "running":
        found = client.call("wait", job=found["job"])
    return found


def ask_all(state: Path) -> list[dict[str, Any]]:
    """What three clients get that ask at once."""
    address, token = enter(state)
    with ThreadPoolExecutor(len(PROMPTS)) as clients:
        return list(clients.map(lambda target: ask(address, token, target), PROMPTS))


def main() -> None:
    """Exit with 1 where the session fails, or a client does not get its material."""
    with ApiServer(0, latency=3.0) as server, ThreadPoolExecutor(1) as outside:
        sessions = Sessions("agents", server)
        asked = outside.submit(ask_all, sessions.state)
        sessions.run("agents/three_materials.py", OUTPUT_FOLDER=str(ROOT / "out" / "gui" / "agents"))
        sessions.expect_requests(len(PROMPTS))
        for target, made in zip(PROMPTS, asked.result(), strict=True):
            if made["state"] != "succeeded" or made["objects"] != [target]:
                sys.exit(f"{target}: {made}")
        if list((sessions.state / "data" / "agents").glob("*.json")):
            sys.exit("the address is still there")


if __name__ == "__main__":
    main()
