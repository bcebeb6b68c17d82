"""One session of the official client, run by the Python of an environment that has it.

Arguments: the mode, then the command of the server, or the address and the token of one that listens.
Prints what it saw as JSON.
"""

import json
import os
import sys

import anyio
import httpx2
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

asked = []


async def agree(context, params):
    asked.append(params.message)
    return ElicitResult(action="accept", content={"spend": True})


def connect(command, *arguments):
    if command.startswith("http:"):
        client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {arguments[0]}"}, timeout=60)
        return streamable_http_client(command, http_client=client)
    return stdio_client(StdioServerParameters(command=command, args=list(arguments), env=dict(os.environ)))


async def main(mode: str, *server: str) -> None:
    told = []

    async def tell(progress, total, message):
        told.append(progress)

    async with Client(connect(*server), mode=mode, elicitation_callback=agree) as client:

        async def call(name, **values):
            found = await client.call_tool(name, values, progress_callback=tell)
            return found.structured_content

        tools = [tool.name for tool in (await client.list_tools()).tools]
        price = await call("estimate", prompt=mode, quality="low")
        made = await call("generate", prompt=mode, quality="low", target="image", max_cost_usd=0.5)
        while made["state"] == "running":
            made = await call("wait", job=made["job"])
        seen = {
            "tools": tools,
            "price": price["high_usd"],
            "made": made["state"],
            "cost": made.get("cost_usd"),
            "history": (await call("history"))["jobs"][0]["job"] == made.get("job"),
            "cancel": (await call("cancel", job=made["job"]))["done"],
            "asked": len(asked),
            "told": told,
        }
    print(json.dumps(seen))


anyio.run(main, *sys.argv[1:])
