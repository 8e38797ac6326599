// Runs the conversation in Node or Bun: `node process.mjs <url> <name>`. Prints what it saw.
import * as client from "@parley-chat/client";
import { talk } from "./talk.mjs";

const [, , url, name] = process.argv;
const options = { url };
if (!globalThis.WebSocket) options.webSocket = (await import("ws")).WebSocket;
console.log(JSON.stringify(await talk(client, options, name)));
