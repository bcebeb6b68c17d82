// One session of the official TypeScript client; its output is that of sdk_session.py.
//
// Arguments: the folder that it is installed in, then the command of the server, or the address and the token of
// one that listens.

const { createRequire } = require("node:module");
const [folder, server, ...rest] = process.argv.slice(2);
const load = (name) => createRequire(`${folder}/`)(`@modelcontextprotocol/sdk/${name}`);
const { Client } = load("client/index.js");
const { StdioClientTransport } = load("client/stdio.js");
const { StreamableHTTPClientTransport } = load("client/streamableHttp.js");
const { ElicitRequestSchema } = load("types.js");

function connect() {
  if (server.startsWith("http:")) {
    const requestInit = { headers: { Authorization: `Bearer ${rest[0]}` } };
    return new StreamableHTTPClientTransport(new URL(server), { requestInit });
  }
  return new StdioClientTransport({ command: server, args: rest, env: process.env });
}

async function main() {
  let asked = 0;
  const told = [];
  const client = new Client({ name: "typescript", version: "1" }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => {
    asked += 1;
    return { action: "accept", content: { spend: true } };
  });
  await client.connect(connect());
  const call = async (name, args = {}) => {
    const options = { onprogress: ({ progress }) => told.push(progress) };
    return (await client.callTool({ name, arguments: args }, undefined, options)).structuredContent;
  };
  const tools = (await client.listTools()).tools.map((tool) => tool.name);
  const request = { prompt: "typescript", quality: "low" };
  const price = await call("estimate", request);
  let made = await call("generate", { ...request, target: "image", max_cost_usd: 0.5 });
  while (made.state === "running") made = await call("wait", { job: made.job });
  const newest = (await call("history")).jobs[0];
  const cancelled = await call("cancel", { job: made.job });
  const seen = {
    tools, price: price.high_usd, made: made.state, cost: made.cost_usd, asked, told,
    history: newest.job === made.job, cancel: cancelled.done,
  };
  await client.close();
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
