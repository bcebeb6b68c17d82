"""One session of the official client, run by the Python of an environment that has it.

Arguments: the mode, and the command of the server. Prints what it saw as JSON.
"""

import json
import os
import sys

import anyio
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import ElicitResult

asked = []


async def agree(context, params):
    asked.append(params.message)
    return ElicitResult(action="accept", content={"spend": True})


async def main(mode: str, command: str, *arguments: str) -> None:
    told = []

    async def tell(progress, total, message):
        told.append(progress)

    server = StdioServerParameters(command=command, args=list(arguments), env=dict(os.environ))
    async with Client(stdio_client(server), mode=mode, elicitation_callback=agree) as client:

        async def call(name, **values):
            found = await client.call_tool(name, values, progress_callback=tell)
            return found.structured_content

        tools = [tool.name for tool in (await client.list_tools()).tools]
        price = await call("estimate", prompt="oak", quality="low")
        made = await call("generate", prompt="oak", quality="low", target="image", max_cost_usd=0.5)
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
